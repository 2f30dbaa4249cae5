"""The OPT record (RFC 6891) and Extended DNS Errors (RFC 8914)."""

from enum import IntEnum
from typing import NamedTuple

TYPE_OPT = 41


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
    """The fields of a query's OPT record that this resolver acts on."""

    payload_bytes: int
    version: int
    do: bool
