"""The OPT record (RFC 6891) and Extended DNS Errors (RFC 8914)."""

import struct
from enum import IntEnum
from typing import NamedTuple

TYPE_OPT = 41
_OPTION_EDE = 15
_DO = 0x8000
_MAX_EDE = 8
"""RFC 8914 allows many, and no answer needs more; they are passed on to clients, and kept."""


class Ede(IntEnum):
    """The INFO-CODEs this resolver gives itself. EXTRA-TEXT stays empty: it could only tell the list."""

    STALE_ANSWER = 3
    FORGED_ANSWER = 4
    BLOCKED = 15
    CENSORED = 16
    FILTERED = 17
    PROHIBITED = 18
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23


class Edns(NamedTuple):
    """The fields of an OPT record that this resolver acts on."""

    payload_bytes: int
    version: int
    do: bool
    extended_rcode: int = 0
    """The upper eight bits of the response code; 0 in a query."""
    ede: tuple[int, ...] = ()


def read(rclass: int, ttl: int, rdata: bytes) -> Edns:
    """Read an OPT record from its CLASS, TTL and RDATA; ValueError when the options do not add up.

    Client subnet, cookies and every other option are dropped here, so none can travel upstream.
    """
    ede: list[int] = []
    at = 0
    while at < len(rdata):
        if at + 4 > len(rdata):
            raise ValueError("EDNS option header is cut off")
        code, length = struct.unpack_from("!HH", rdata, at)
        at += 4
        if at + length > len(rdata):
            raise ValueError("EDNS option is longer than its record")
        if code == _OPTION_EDE and length >= 2 and len(ede) < _MAX_EDE:
            ede.append(int.from_bytes(rdata[at : at + 2]))
        at += length
    return Edns(rclass, ttl >> 16 & 0xFF, bool(ttl & _DO), ttl >> 24, tuple(ede))
