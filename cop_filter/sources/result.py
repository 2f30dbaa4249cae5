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
class Fetched:
    """A list that arrived whole. Whoever has parsed `raw` may clear it, to give its memory back."""

    raw: dict[str, bytes]
    validators: Validators
    digest: str
    """SHA-256 in hex of what was unpacked: the same list in another packing has the same digest."""


@dataclass(frozen=True, slots=True)
class NotModified:
    """The source still has what the validators describe."""


class TryAgain(FetchFailed):
    """A failure that may pass: the server is slow, busy, restarting, or the line broke.

    `after_s` is how long the server asked us to stay away (Retry-After), or None.
    """

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s
