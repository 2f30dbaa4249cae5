"""What a source hands over, and how it says that another try may help."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cop_filter.errors import FetchFailed

Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and the bytes expected (None: not known)."""


class Validators(NamedTuple):
    """What the server said about its copy, to be sent back with the next request (RFC 9110 §13.1)."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as they came: one under the name "" or, from a folder, several by file name."""

    parts: dict[str, bytes]
    validators: Validators
    coding: str | None = None
    """The Content-Encoding that is still to be undone."""
    ends_known: bool = True
    """False when the transport could not have told a whole body from one that was cut off."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the authority's signatures say of a version, beside what it holds.

    `expires_at` is in Unix seconds. `entries_digest` is over the fingerprints of all lines of the list.
    """

    version: int
    expires_at: float | None = None
    canaries: tuple[str, ...] = ()
    entries_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A list that arrived whole, or what changed in it. Whoever has parsed `raw` may clear it.

    For a change, `removed` holds the lines that go, `raw` those that come, and `base` is the digest of the
    version that it changes; it is None for a whole list.
    """

    raw: dict[str, bytes]
    validators: Validators
    digest: str
    """SHA-256 in hex of the whole list, unpacked: the same list in another packing has the same digest."""
    vouched: Vouched | None = None
    base: str | None = None
    removed: bytes = b""
    format: str | None = None
    """Of transports that have only one; else the list's settings say it."""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source still has what the validators describe, and perhaps vouches for it anew."""

    vouched: Vouched | None = None


class NotServed(FetchFailed):
    """The server has not got it, or does not give it to us: its HTTP `status` says which."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


class TryAgain(FetchFailed):
    """A failure that may pass: the server is slow, busy, restarting, or the line broke.

    `after_s` is how long the server asked us to stay away (Retry-After), or None.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
