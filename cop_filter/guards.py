"""What stops a list that is well formed and still not believable. Pure.

A guard is a function of what was read, the list's settings and what is in force; it raises
GuardFailed or says nothing. No message holds an entry: counts, line numbers and reasons only.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cop_filter.config import ListConfig
from cop_filter.errors import GuardFailed
from cop_filter.formats import Chunk, LineError

_SHOWN_ERRORS = 3


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
        self._first_errors += chunk.errors[: _SHOWN_ERRORS - len(self._first_errors)]

    def reading(self, entries: int) -> Reading:
        """What was counted; `entries` is the number of distinct ones."""
        return Reading(entries, self.lines, self.bad_lines, tuple(self._first_errors))


def shown_errors(reading: Reading) -> str:
    """The first errors in words: where and why, never the line's text."""
    shown = [
        f"{error.member + ' ' if error.member else ''}line {error.line}: {error.reason}"
        for error in reading.first_errors
    ]
    return "; ".join(shown) + ("; ..." if reading.bad_lines > len(shown) else "")


def few_bad_lines(reading: Reading, config: ListConfig, _: int | None) -> None:
    """A list with many bad lines is another file, another format, or damaged."""
    if reading.bad_lines <= config.max_bad_share * reading.lines:
        return
    raise GuardFailed(
        f"{reading.bad_lines} of {reading.lines} lines are bad, "
        f"more than max_bad_share ({config.max_bad_share:g}) allows: {shown_errors(reading)}"
    )


def not_empty(reading: Reading, config: ListConfig, _: int | None) -> None:  # noqa: ARG001  a guard's shape
    """A list without entries would lift every block; an authority closes a list by telling people."""
    if reading.entries == 0:
        raise GuardFailed("the list holds no entry")


def no_collapse(reading: Reading, config: ListConfig, in_force: int | None) -> None:
    """A list that lost most of its entries was cut off, or is not the same list."""
    if not in_force or in_force - reading.entries <= config.free_change:
        return
    if reading.entries < in_force * (1 - config.max_shrink):
        raise GuardFailed(
            f"shrank from {in_force} to {reading.entries} entries, more than max_shrink "
            f"({config.max_shrink:g}) allows; raise it for this list if the authority confirms"
        )


def no_explosion(reading: Reading, config: ListConfig, in_force: int | None) -> None:
    """A list that suddenly holds many times what it held blocks things that nobody confirmed."""
    if not in_force or reading.entries - in_force <= config.free_change:
        return
    if reading.entries > in_force * config.max_growth:
        raise GuardFailed(
            f"grew from {in_force} to {reading.entries} entries, more than max_growth "
            f"({config.max_growth:g}) allows; raise it for this list if the authority confirms"
        )


Guard = Callable[[Reading, ListConfig, int | None], None]

GUARDS: tuple[Guard, ...] = (few_bad_lines, not_empty, no_collapse, no_explosion)
"""In the order in which they give the most telling reason."""


def check(reading: Reading, config: ListConfig, in_force: int | None) -> None:
    """Run every guard; `in_force` is the number of entries that the list has now (None: never loaded).

    Raises GuardFailed.
    """
    for guard in GUARDS:
        guard(reading, config, in_force)
