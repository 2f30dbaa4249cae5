"""The state of each list, from the configuration, the published generation and sync's notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

from cop_filter.config import Config, ListConfig
from cop_filter.freshness import InForce, Word, freshness, last_word

State = Literal["ok", "failing", "overdue", "stale", "expired", "never"]
"""ok: checked on time. failing: the last try was refused, the last good list stays in force.
overdue: nobody has tried for far longer than the interval. stale: its source could not be asked for longer
than `stale_after`. expired: its authority's own date has passed. never: no good list was ever published.
Of several that are true, the one that stands further right."""
STATES: tuple[State, ...] = get_args(State)

_OVERDUE_INTERVALS = 3
_OVERDUE_SLACK_S = 60.0


class PublishedList(InForce, Protocol):
    """What is read of one list in a published generation."""

    @property
    def entries(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list; times are Unix seconds, `age_s` counts from the publication of what is in force.

    `profiles` are those for whose clients alone it holds; none: it holds for everybody.
    """

    id: str
    state: State
    mode: str
    entries: int
    published_at: float | None
    age_s: float | None
    checked_at: float | None
    next_try: float | None
    last_error: str | None
    profiles: tuple[str, ...] = ()
    on_stale: str = "enforce"
    expires_at: float | None = None
    confirmed_at: float | None = None
    """When its source last said that this is its list."""


@dataclass(frozen=True, slots=True)
class Status:
    """All lists, and the generation they are published in; None before the first."""

    generation: int | None
    created_at: float | None
    lists: tuple[ListRow, ...]


def list_row(
    config: ListConfig,
    note: Mapping[str, Any],
    published: PublishedList | None,
    now: float,
    profiles: tuple[str, ...] = (),
) -> ListRow:
    """One row: `note` is what sync wrote down last, `published` what the generation in force holds."""
    published_at = None if published is None else published.published_at
    checked_at = _number(note.get("checked_at"))
    word = last_word(note, published)
    return ListRow(
        id=config.id,
        state=_state(config, note, published, word, now),
        mode=config.mode,
        entries=0 if published is None else published.entries,
        published_at=published_at,
        age_s=None if published_at is None else max(0.0, now - published_at),
        checked_at=checked_at,
        next_try=_number(note.get("next_try")),
        last_error=note.get("last_error"),
        profiles=profiles,
        on_stale=config.on_stale,
        expires_at=word.expires_at,
        confirmed_at=word.confirmed_at,
    )


def status(
    config: Config,
    notes: Mapping[str, Mapping[str, Any]],
    published: Mapping[str, PublishedList],
    *,
    generation: int | None,
    created_at: float | None,
    now: float,
) -> Status:
    """The rows of all configured lists, in the order of the configuration."""
    rows = tuple(
        list_row(one, notes.get(one.id, {}), published.get(one.id), now, _profiles(config, one.id))
        for one in config.lists
    )
    return Status(generation, created_at, rows)


def _profiles(config: Config, list_id: str) -> tuple[str, ...]:
    return tuple(profile.id for profile in config.profiles if list_id in profile.lists)


def _state(
    config: ListConfig,
    note: Mapping[str, Any],
    published: PublishedList | None,
    word: Word,
    now: float,
) -> State:
    if published is None or published.published_at is None:
        return "never"
    fresh = freshness(config, word, now)
    if fresh != "fresh":
        return fresh
    if note.get("state") == "failing":
        return "failing"
    patience_s = max(_OVERDUE_INTERVALS * config.interval_s, config.interval_s + _OVERDUE_SLACK_S)
    checked_at = _number(note.get("checked_at"))
    # In the future, by a clock that was wrong: then nobody knows when it was.
    if checked_at is None or abs(now - checked_at) > patience_s:
        return "overdue"
    return "ok"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
