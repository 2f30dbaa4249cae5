"""Whether a list is still what its authority stands by. Pure.

A list that is not any more is enforced on (the last good list stays), alarmed, and enforced no longer only
where the operator said so for that list.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple, Protocol

from cop_filter.config import Config, ListConfig

Freshness = Literal["fresh", "stale", "expired"]
"""stale: nobody could ask its source for `stale_after`. expired: its authority's own date has passed."""


class Word(NamedTuple):
    """The last that was heard of a list; Unix seconds. None: never, or it sets no date."""

    confirmed_at: float | None = None
    expires_at: float | None = None


class InForce(Protocol):
    """What is read of a list in a generation. `digest` tells its versions apart."""

    @property
    def published_at(self) -> float | None: ...
    @property
    def expires_at(self) -> float | None: ...
    @property
    def digest(self) -> str: ...


def freshness(wanted: ListConfig, word: Word, now: float) -> Freshness:
    """How fresh a list is that is in force."""
    if word.expires_at is not None and now >= word.expires_at:
        return "expired"
    if wanted.stale_after_s is None or word.confirmed_at is None:
        return "fresh"
    # From a clock that was wrong it may lie in the future: then nobody knows when it was heard.
    return "stale" if abs(now - word.confirmed_at) > wanted.stale_after_s else "fresh"


def fresh_until(wanted: ListConfig, word: Word) -> float | None:
    """When a list that is in force stops being fresh unless more is heard of it; None: never."""
    silent = wanted.stale_after_s is None or word.confirmed_at is None
    stale_at = None if silent else (word.confirmed_at or 0.0) + (wanted.stale_after_s or 0.0)
    return min((end for end in (word.expires_at, stale_at) if end is not None), default=None)


def with_stale_observed(config: Config, words: Mapping[str, Word], now: float) -> Config:
    """The configuration with those lists only observed that are not fresh, where `on_stale` says so."""
    lists = tuple(
        replace(one, mode="observe")
        if one.on_stale == "observe" and freshness(one, words.get(one.id, Word()), now) != "fresh"
        else one
        for one in config.lists
    )
    return replace(config, lists=lists)


def last_word(note: Mapping[str, Any], in_force: InForce | None) -> Word:
    """What was heard last of a list that is in force, from what was noted of it.

    Before anything was noted, its publication counts. A version may be vouched for anew without being
    published again: then the note knows better than the generation until when.
    """
    if in_force is None:
        return Word()
    confirmed_at, expires_at = _number(note.get("confirmed_at")), in_force.expires_at
    if note.get("digest") == in_force.digest and note.get("version") is not None:
        expires_at = _number(note.get("expires_at"))
    return Word(in_force.published_at if confirmed_at is None else confirmed_at, expires_at)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
