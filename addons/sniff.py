"""What the first bytes in a tunnel are, judged so that no way of cutting them into packets hides a request.

mitmproxy relays what does not look like HTTP at first sight, and one odd first packet is enough for that: a
lone `G`, a lone first byte of a TLS record, or an empty line that origins skip (RFC 9112 §2.2).
"""

import re
from enum import Enum, auto

_LONGEST_METHOD = 24
_BLANK = b" \t\r\n\v\f\x00"
"""What some origin skips in front of a request."""
_MAX_BLANKS = 1024
"""More than this is left to the HTTP parser to refuse."""
_METHOD = re.compile(rb"[A-Za-z_-]{1,%d}[ \t]" % _LONGEST_METHOD)
_START_OF_METHOD = re.compile(rb"[A-Za-z_-]{0,%d}" % _LONGEST_METHOD)


class Protocol(Enum):
    """What a tunnel carries."""

    TLS = auto()
    HTTP = auto()
    OTHER = auto()
    UNDECIDED = auto()
    """More bytes are needed."""


def sniff(data: bytes) -> Protocol:
    """Name the protocol of a tunnel by all bytes that its client has sent so far."""
    if not data or b"\x16\x03".startswith(data[:2]):
        return Protocol.TLS if len(data) >= 3 else Protocol.UNDECIDED
    text = data.lstrip(_BLANK)
    if _METHOD.match(text):
        return Protocol.HTTP
    if _START_OF_METHOD.fullmatch(text):
        return Protocol.UNDECIDED if len(data) - len(text) <= _MAX_BLANKS else Protocol.HTTP
    return Protocol.OTHER
