"""How much of a list may come and go at once: of what it holds, and of what it usually does.

Eight thousand ordinary names that slip into a list of tens of thousands change its size by a little and
are still many times what comes on any other day (Denmark 2012).
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from cop_filter.config import ListConfig
from cop_filter.guards.report import Accepted
from cop_filter.guards.seen import Seen

MIN_HISTORY = 3
"""Versions before a list has habits."""


def little_churn(seen: Seen, config: ListConfig) -> str | None:
    """Added and removed together, as a share of what is in force."""
    churn = seen.added + seen.removed
    if not seen.in_force or churn <= max(config.free_change, config.max_churn * seen.in_force):
        return None
    return (
        f"{seen.added} entries come and {seen.removed} go, of {seen.in_force} in force: more than max_churn "
        f"({config.max_churn:g}) allows; raise it for this list if the authority confirms"
    )


def usual_churn(seen: Seen, config: ListConfig) -> str | None:
    """Added and removed together, against the median of the list's own history.

    A list that could not be fetched for long comes with the changes of all that time, and may.
    """
    past = changes(seen.history)
    if not seen.in_force or len(past) < MIN_HISTORY:
        return None
    churn, usual = seen.added + seen.removed, median(past)
    if churn <= max(config.free_change, config.max_churn_jump * usual * seen.idle_gaps):
        return None
    return (
        f"{seen.added} entries come and {seen.removed} go at once, and usually {usual:g} do: more than "
        f"max_churn_jump ({config.max_churn_jump:g}) times that; approve it if the authority confirms"
    )


def changes(history: Sequence[Accepted]) -> list[int]:
    """The churn of each version that changed something, but for those that filled an empty list."""
    return [
        version.churn
        for version in history
        if version.churn and (version.added < version.entries or version.removed)
    ]


def idle_gaps(history: Sequence[Accepted], now: float | None, interval_s: float) -> float:
    """How many of the usual intervals between versions have passed since the last one; at least 1.

    None is shorter than `interval_s`, at which the list is asked for: a burst of versions is no habit.
    """
    times = sorted(version.at for version in history)
    gaps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if now is None or not gaps:
        return 1.0
    return max(1.0, (now - times[-1]) / max(median(gaps), interval_s))
