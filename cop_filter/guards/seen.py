"""All that the guards decide from: counts, and never a text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cop_filter.config import ListConfig
from cop_filter.formats import LineError
from cop_filter.guards.report import Accepted


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of one version of a list, and what it is compared with.

    `read` counts entries with repetitions, `entries` distinct ones. `in_force` is what the list has now
    (None: it was never loaded). In a `change` only what comes and goes was read.
    """

    lines: int = 0
    bad_lines: int = 0
    addresses: int = 0
    first_errors: tuple[LineError, ...] = ()
    read: int = 0
    entries: int = 0
    in_force: int | None = None
    added: int = 0
    removed: int = 0
    is_change: bool = False
    kinds: Mapping[str, int] = field(default_factory=dict)
    busy_domains: int = 0
    """Registered domains with more entries than allowed."""
    busiest_domain: int = 0
    """Entries under the one that has most."""
    suffixes: int = 0
    """New entries that cover a public suffix."""
    never_block: Mapping[str, int] = field(default_factory=dict)
    """New entries that would block what must never be: how many, by where that is said."""
    canaries: int = 0
    missing_canaries: int = 0
    pages: int = 0
    """Page-level entries that were compared with the same list's whole hosts."""
    covered_pages: int = 0
    added_lately: int = 0
    """By the versions of the last interval, which are judged together with this one."""
    removed_lately: int = 0
    history: tuple[Accepted, ...] = ()
    idle_gaps: float = 1.0
    """How many of its usual intervals between versions have passed since the last; at least 1."""

    @property
    def before(self) -> int | None:
        """What was in force before the versions of the last interval; None: nothing was."""
        if self.in_force is None:
            return None
        # After a rollback those versions are not what led to what is in force.
        before = self.in_force - self.added_lately + self.removed_lately
        return before if before > 0 else self.in_force

    @property
    def churn(self) -> int:
        """What comes and goes, or all that came, or went, in the last interval: taking back is no churn."""
        all_added, all_removed = self.added + self.added_lately, self.removed + self.removed_lately
        return max(self.added + self.removed, all_added, all_removed)


Guard = Callable[[Seen, ListConfig], str | None]
"""Gives the reason in words, or None."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 entry`, `3 entries`: people read this at night."""
    return f"{count} {one if count == 1 else many or one + 's'}"
