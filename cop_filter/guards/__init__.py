"""What stops a list that is well formed and still not believable.

Every guard looks at every version, and all that they find is reported: counts, line numbers and reasons
in words, never an entry. `Review` gathers what they decide from while the list streams by; each guard is a
pure function in `size`, `churn`, `kinds` and `content`. `overblock` proves new entries on the compiled
index, before it is published.
"""

from cop_filter.config import ListConfig
from cop_filter.errors import GuardFailed
from cop_filter.guards.report import Accepted, Finding, GuardReport
from cop_filter.guards.review import GUARDS, Review
from cop_filter.guards.seen import Seen
from cop_filter.guards.tally import Reading, Tally, shown_errors

__all__ = ["Accepted", "Finding", "GuardReport", "Reading", "Review", "Tally", "check", "shown_errors"]

_OF_A_READING = ("bad-lines", "empty", "shrink", "growth")


def check(reading: Reading, config: ListConfig, in_force: int | None) -> None:
    """The guards that counts of lines and entries are enough for. Raises GuardFailed."""
    seen = Seen(
        lines=reading.lines,
        bad_lines=reading.bad_lines,
        first_errors=reading.first_errors,
        entries=reading.entries,
        in_force=in_force,
    )
    for name in _OF_A_READING:
        if reason := GUARDS[name](seen, config):
            raise GuardFailed(reason)
