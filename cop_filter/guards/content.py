"""What a list holds that no authority would mean: whole registries, hosts of everyone, itself twice."""

from cop_filter.config import ListConfig
from cop_filter.guards.seen import Seen, counted


def no_suffix(seen: Seen, config: ListConfig) -> str | None:  # noqa: ARG001  a guard's shape
    """A name under which strangers register names: 84,000 sites went with one of them (mooo.com 2011)."""
    if not seen.suffixes:
        return None
    return (
        f"{counted(seen.suffixes, 'new entry', 'new entries')} would block a public suffix: every site of "
        "everyone who registered a name under it"
    )


def nothing_never_blocked(seen: Seen, config: ListConfig) -> str | None:  # noqa: ARG001  a guard's shape
    """Hosts of everyone, of helpers and of the filter itself (Denmark 2012, Piracy Shield 2024)."""
    if not seen.never_block:
        return None
    places = ", ".join(f"{count} in {place}" for place, count in seen.never_block.items())
    return (
        f"{counted(sum(seen.never_block.values()), 'new entry', 'new entries')} would block hosts that must "
        f"never be blocked whole: {places}"
    )


def few_per_domain(seen: Seen, config: ListConfig) -> str | None:
    """So many entries under one registered domain, that somebody lists all of it piece by piece.

    Also by many small changes: each is counted upon what there is.
    """
    if not seen.busy_domains:
        return None
    return (
        f"{counted(seen.busy_domains, 'registered domain has', 'registered domains have')} more entries than "
        f"max_per_domain ({config.max_per_domain}) allows, the busiest {seen.busiest_domain}"
    )


def canaries_there(seen: Seen, config: ListConfig) -> str | None:  # noqa: ARG001  a guard's shape
    """A list without the harmless entries that its authority put in is not the authority's list."""
    if not seen.missing_canaries:
        return None
    return (
        f"{seen.missing_canaries} of its {seen.canaries} canaries are missing: it is another list, or cut off"
    )


def few_duplicates(seen: Seen, config: ListConfig) -> str | None:
    """A list that says everything twice was put together wrongly."""
    repeated = 0 if seen.is_change else seen.read - seen.entries
    if repeated <= config.free_change or repeated <= config.max_duplicate_share * seen.read:
        return None
    return (
        f"{repeated} of {seen.read} entries repeat others, more than max_duplicate_share "
        f"({config.max_duplicate_share:g}) allows"
    )


def few_conflicts(seen: Seen, config: ListConfig) -> str | None:
    """Pages of hosts that the same list blocks whole: which of the two does the authority mean?"""
    if seen.covered_pages <= config.free_change:
        return None
    if seen.covered_pages <= config.max_conflict_share * seen.pages:
        return None
    return (
        f"{seen.covered_pages} of {seen.pages} page entries are of hosts that the list itself blocks whole, "
        f"more than max_conflict_share ({config.max_conflict_share:g}) allows"
    )
