"""Reads a squidGuard/UT1 category folder out of a tar archive. Nothing is written to disk."""

import io
import tarfile
from pathlib import PurePosixPath

from cop_filter.errors import FetchFailed

FOLDER_MEMBERS = ("domains", "urls")
"""The files of a category folder that hold entries; the others (usage, expressions) are not read."""

_MAGIC_AT = 257
_BLOCK = 512
_MAX_HEADERS = 10_000


def is_tar(body: bytes) -> bool:
    """Whether the bytes carry the ustar magic (POSIX and GNU)."""
    return body[_MAGIC_AT : _MAGIC_AT + 5] == b"ustar"


def read_folder(body: bytes, max_bytes: int) -> dict[str, bytes]:
    """The `domains` and `urls` files of the one category folder in the archive, by name.

    Raises FetchFailed when the archive is damaged or cut off, holds several category folders or
    none, names a path outside itself, or would unpack to more than `max_bytes`.
    """
    if len(body) % _BLOCK or not body.endswith(bytes(2 * _BLOCK)):
        # Without this an archive cut off between two members would pass for a shorter whole one.
        raise FetchFailed("the tar archive is cut off")
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
            return _members(archive, max_bytes)
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError):
        raise FetchFailed("the tar archive is damaged") from None


def _members(archive: tarfile.TarFile, max_bytes: int) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    folders: set[PurePosixPath] = set()
    for count, member in enumerate(archive):
        if count == _MAX_HEADERS:
            raise FetchFailed("the tar archive holds too many files")
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise FetchFailed("the tar archive names a path outside itself")
        if path.name not in FOLDER_MEMBERS or member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise FetchFailed(f"{path.name} in the tar archive is not a plain file")
        folders.add(path.parent)
        if len(folders) > 1 or path.name in found:
            raise FetchFailed("the tar archive holds more than one category folder")
        if sum(map(len, found.values())) + member.size > max_bytes:
            raise FetchFailed(f"unpacks to more than max_unpacked_bytes ({max_bytes})")
        stream = archive.extractfile(member)
        found[path.name] = stream.read() if stream else b""
    if not found:
        raise FetchFailed("the tar archive holds neither domains nor urls")
    return found
