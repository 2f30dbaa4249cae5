"""What an origin may take a request target for, where origins disagree.

Browsers resolve dot segments before they send a target (WHATWG URL), so most targets have one reading.
A client of another kind may send them as they are, and then it is the origin that resolves: before or
after it decodes escapes and merges slashes, with a backslash as a slash or as itself, with a raw `#`
as the end or as itself. Each of these could lead to a listed page by a way that the others do not see.
"""

import re
from urllib.parse import unquote_to_bytes

_DISPUTED = re.compile(rb"[#\\]|\.\.|%2e", re.IGNORECASE)
_SLASHES = re.compile(rb"/+")


def readings(target: bytes) -> list[bytes]:
    """The target itself, and others if it can be read in several ways; at most nine."""
    if not _DISPUTED.search(target):
        return [target]
    found = {target: None}
    for whole in (target.partition(b"#")[0], target.replace(b"#", b"%23")):
        path, question, query = whole.partition(b"?")
        for backslash in (b"/", b"%5C"):
            as_sent = path.replace(b"\\", backslash)
            decoded_first = _SLASHES.sub(b"/", _decoded_once(path, backslash))
            found[as_sent + question + query] = found[decoded_first + question + query] = None
    return list(found)


def _decoded_once(path: bytes, backslash: bytes) -> bytes:
    """Without escapes but those that keep the path's characters from being read as something else."""
    decoded = unquote_to_bytes(path)
    for character, escape in ((b"%", b"%25"), (b"?", b"%3F"), (b"#", b"%23"), (b"\\", backslash)):
        decoded = decoded.replace(character, escape)
    return decoded
