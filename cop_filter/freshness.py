"""Whether a list is still what its authority stands by. Pure.

A list that is not any more is enforced on (the last good list stays), alarmed, and enforced no longer only
where the operator said so for that list.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, NamedTuple

from cop_filter.config import Config, ListConfig

Freshness = Literal["fresh", "stale", "expired"]
"""stale: nobody could ask its source for `stale_after`. expired: its authority's own date has passed."""


class Word(NamedTuple):
    """The last that was heard of a list; Unix seconds. None: never, or it sets no date."""

    confirmed_at: float | None = None
    expires_at: float | None = None


def freshness(wanted: ListConfig, word: Word, now: float) -> Freshness:
    """How fresh a list is that is in force."""
    if word.expires_at is not None and now >= word.expires_at:
        return "expired"
    silent = wanted.stale_after_s is not None and word.confirmed_at is not None
    if silent and now - (word.confirmed_at or 0.0) > (wanted.stale_after_s or 0.0):
        return "stale"
    return "fresh"


def with_stale_observed(config: Config, words: Mapping[str, Word], now: float) -> Config:
    """The configuration with those lists only observed that are not fresh, where `on_stale` says so."""
    lists = tuple(
        replace(one, mode="observe")
        if one.on_stale == "observe" and freshness(one, words.get(one.id, Word()), now) != "fresh"
        else one
        for one in config.lists
    )
    return replace(config, lists=lists)
