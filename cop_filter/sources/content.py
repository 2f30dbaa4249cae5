"""From the bytes that arrived to the bytes of a list: unpack, look inside, refuse what is no list. Pure.

A list can be packed three times over: by the transport (Content-Encoding), as a file (.gz, .zst),
and as a tar archive of a folder. Deeper nesting is refused, not followed.
"""

import hashlib

from cop_filter.errors import FetchFailed
from cop_filter.sources.archive import is_tar, read_folder
from cop_filter.sources.result import Body, Fetched
from cop_filter.sources.unpack import packing, unpack

_SPACE = b"\xef\xbb\xbf \t\r\n\x00"
_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}


def open_body(body: Body, max_unpacked_bytes: int) -> Fetched:
    """The list inside the body.

    Raises FetchFailed when it is empty, a web page, damaged, cut off, packed in a way that was not
    asked for, or longer than `max_unpacked_bytes` once unpacked.
    """
    raw: dict[str, bytes] = {}
    for name, part in body.parts.items():
        raw |= _open_part(name, part, body, max_unpacked_bytes)
    if sum(map(len, raw.values())) > max_unpacked_bytes:
        raise FetchFailed(f"unpacks to more than max_unpacked_bytes ({max_unpacked_bytes})")
    _refuse_emptiness_and_markup(raw)
    return Fetched(raw, body.validators, digest_of(raw))


def _open_part(name: str, part: bytes, body: Body, limit: int) -> dict[str, bytes]:
    if not part:
        return {name: part}
    sealed = False
    if body.coding is not None:
        coding = _CODINGS.get(body.coding)
        if coding is None:
            raise FetchFailed("the server used a Content-Encoding that was not asked for")
        part, sealed = unpack(part, coding, limit), True
    packed_as = packing(part)
    if packed_as is not None:
        part, sealed = unpack(part, packed_as, limit), True
        if packing(part) is not None:
            raise FetchFailed("the list is packed twice")
    if name == "" and is_tar(part):
        return read_folder(part, limit)
    if not (sealed or body.ends_known or part.endswith(b"\n")):
        # A name cut in the middle is another name: "host.example.invalid" may become "host.example".
        raise FetchFailed("may be cut off: the server gave no length and the last line does not end")
    return {name: part}


def _refuse_emptiness_and_markup(raw: dict[str, bytes]) -> None:
    starts = [part[:4096].lstrip(_SPACE) or part.lstrip(_SPACE)[:1] for part in raw.values()]
    if not any(starts):
        raise FetchFailed("the list is empty")
    if any(start.startswith(b"<") for start in starts):
        # No list format begins with "<": this is an error page, a login form or a captive portal.
        raise FetchFailed("the answer is a web page, not a list")


def digest_of(raw: dict[str, bytes]) -> str:
    """SHA-256 in hex of an unpacked list."""
    digest = hashlib.sha256()
    for name, part in sorted(raw.items()):
        if name:
            digest.update(f"{name} {len(part)}\n".encode())
        digest.update(part)
    return digest.hexdigest()
