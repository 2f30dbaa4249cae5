"""How much of a list may come and go at once: of what it holds, and of what it usually does.

Eight thousand ordinary names that slip into a list of tens of thousands change its size by a little and
are still many times what comes on any other day (Denmark 2012). Nor may they slip in by many small versions:
those that follow each other faster than the list is asked for are judged as the one that it would have been.
"""

from collections import Counter
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
    churn, before = seen.churn, seen.before
    if not before or churn <= max(config.free_change, config.max_churn * before):
        return None
    return (
        f"{_told(seen)}, of {before} in force: more than max_churn ({config.max_churn:g}) allows; "
        "raise it for this list if the authority confirms"
    )


def usual_churn(seen: Seen, config: ListConfig) -> str | None:
    """Added and removed together, against the median of the list's own history.

    A list that could not be fetched for long comes with the changes of all that time, and may.
    """
    churn = seen.churn
    past = changes(together(seen.history, config.interval_s))
    if len(past) < MIN_HISTORY:
        # Too few of them to know what is usual in an interval: version by version, then.
        churn, past = seen.added + seen.removed, changes(seen.history)
    if not seen.in_force or len(past) < MIN_HISTORY:
        return None
    usual = median(past)
    if churn <= max(config.free_change, config.max_churn_jump * usual * seen.idle_gaps):
        return None
    return (
        f"{_told(seen)} at once, and usually {usual:g} do: more than max_churn_jump "
        f"({config.max_churn_jump:g}) times that; approve it if the authority confirms"
    )


def _told(seen: Seen) -> str:
    said = f"{seen.added} entries come and {seen.removed} go"
    if not (seen.added_lately or seen.removed_lately):
        return said
    return f"{said}, after {seen.added_lately} that came and {seen.removed_lately} that went just before"


def lately(history: Sequence[Accepted], now: float | None, interval_s: float) -> tuple[int, int]:
    """(added, removed) by the versions of the last interval, back to one that people let pass."""
    added = removed = 0
    for version in reversed(history):
        if now is None or not 0 <= now - version.at < interval_s or version.fills or not version.believed:
            break
        added, removed = added + version.added, removed + version.removed
    return added, removed


def together(history: Sequence[Accepted], interval_s: float) -> list[Accepted]:
    """The history with the versions of each interval as one."""
    found: list[Accepted] = []
    for version in history:
        if found and _belongs(version, found[-1], interval_s):
            found[-1] = _merged(found[-1], version)
        else:
            found.append(version)
    return found


def shortened(history: Sequence[Accepted], most: int, interval_s: float) -> list[Accepted]:
    """At most so many lines: without the oldest, or, where it came fast, with the newest in one.

    So a burst of versions cannot push out what is usual, or what came just before.
    """
    kept = list(history)
    while len(kept) > most:
        if len(kept) > 1 and _belongs(kept[-1], kept[-2], interval_s):
            kept[-2:] = [_merged(kept[-2], kept[-1])]
        else:
            del kept[0]
    return kept


def _belongs(later: Accepted, earlier: Accepted, interval_s: float) -> bool:
    fast = 0 <= later.at - earlier.at < interval_s
    return fast and earlier.believed and later.believed and not (earlier.fills or later.fills)


def _merged(earlier: Accepted, later: Accepted) -> Accepted:
    """`at` is the first one's: an interval has an end, however many versions come."""
    kinds = Counter(earlier.kinds) | Counter(later.kinds)
    added, removed = earlier.added + later.added, earlier.removed + later.removed
    return Accepted(earlier.at, later.entries, added, removed, dict(kinds))


def changes(history: Sequence[Accepted]) -> list[int]:
    """The churn of each version that changed something, but for those that filled an empty list."""
    return [version.churn for version in history if version.churn and not version.fills]


def idle_gaps(history: Sequence[Accepted], now: float | None, interval_s: float) -> float:
    """How many of the usual intervals between versions have passed since the last one; at least 1.

    None is shorter than `interval_s`, at which the list is asked for: a burst of versions is no habit.
    """
    times = sorted(version.at for version in history)
    gaps = [later - earlier for earlier, later in pairwise(times) if later > earlier]
    if now is None or not gaps:
        return 1.0
    return max(1.0, (now - times[-1]) / max(median(gaps), interval_s))
