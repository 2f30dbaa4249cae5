"""Lines of a list, counted while it streams by."""

from dataclasses import dataclass

from cop_filter.formats import Chunk, LineError
from cop_filter.guards.size import SHOWN_ERRORS, shown


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one list. `lines` are those that held an entry or were bad."""

    entries: int
    lines: int
    bad_lines: int
    first_errors: tuple[LineError, ...] = ()


class Tally:
    """Counts a list while it streams by, and keeps the first few errors."""

    def __init__(self) -> None:
        self.lines = 0
        self.bad_lines = 0
        self._first_errors: list[LineError] = []

    def add(self, chunk: Chunk) -> None:
        """Count one chunk."""
        self.lines += chunk.lines
        self.bad_lines += len(chunk.errors)
        self._first_errors += chunk.errors[: SHOWN_ERRORS - len(self._first_errors)]

    def reading(self, entries: int) -> Reading:
        """What was counted; `entries` is the number of distinct ones."""
        return Reading(entries, self.lines, self.bad_lines, tuple(self._first_errors))


def shown_errors(reading: Reading) -> str:
    """The first errors in words: where and why, never the line's text."""
    return shown(reading.first_errors, reading.bad_lines)
