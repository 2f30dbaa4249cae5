"""Kinds of entries that a list may not hold, and those that it never held before.

Whoever takes a list of pages expects that it blocks pages. If it suddenly lists a whole host, be it one,
then perhaps a path was lost on the way (Wikipedia 2008 and the Wayback Machine 2009 were blocked whole for
one page each), and a person should look. A list whose `kinds` name whole hosts on purpose is not asked.
"""

from cop_filter.config import ListConfig
from cop_filter.guards.seen import Seen
from cop_filter.verdict import Kind

WHOLE_HOSTS = (Kind.DOMAIN, Kind.HOST, Kind.KEYWORD)
"""Kinds that reach beyond pages of one host."""


def allowed_kinds(seen: Seen, config: ListConfig) -> str | None:
    """Only what the operator's `kinds` name."""
    others = {kind: count for kind, count in seen.kinds.items() if count and kind not in config.kinds}
    if not others:
        return None
    return (
        f"the list holds {_words(others)}, and its `kinds` allow {', '.join(config.kinds)} only; "
        "add what the authority means to list"
    )


def known_kinds(seen: Seen, config: ListConfig) -> str | None:
    """A list that held nothing but pages, and now lists whole hosts."""
    if set(config.kinds) != set(Kind):
        return None
    held = {kind for version in seen.history for kind, count in version.kinds.items() if count}
    if not held or held & set(WHOLE_HOSTS):
        return None
    sudden = {kind: seen.kinds[kind] for kind in WHOLE_HOSTS if seen.kinds.get(kind)}
    if not sudden:
        return None
    return (
        f"the list held pages only, and now holds {_words(sudden)}, which cover whole hosts; approve it, "
        "or name the `kinds` that this list may hold, if the authority confirms"
    )


def _words(kinds: dict[str, int] | dict[Kind, int]) -> str:
    return ", ".join(f"{count} of kind {kind}" for kind, count in kinds.items())
