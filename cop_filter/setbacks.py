"""Generations that were taken out of force, and why: `rollout.json`. Pure, no files.

They are never chosen again by themselves: not where the current one is damaged, nor by a rollback. Nor does
a version of a list that is named here go live again before people have approved it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

How = Literal["failed", "rolled back", "refused"]
"""By itself, after a trial; by a person; by a person, who also refused versions when the hold ended."""
MOST = 100
"""The file keeps this many, the newest."""


@dataclass(frozen=True, slots=True)
class Setback:
    """`generations` are those that were taken out, at `at` (Unix seconds).

    `digests`: list id -> digest of a version under suspicion: of all that a failed trial had brought and
    what was in force did not have, or of what a person refused. A rollback alone names none.
    """

    generations: tuple[int, ...]
    at: float
    how: How
    reason: str
    digests: Mapping[str, str] = field(default_factory=dict)


def to_bytes(setbacks: Iterable[Setback]) -> bytes:
    """As the file holds them."""
    return json.dumps([asdict(one) for one in [*setbacks][-MOST:]], indent=1).encode()


def from_bytes(raw: bytes) -> tuple[Setback, ...]:
    """Read them back; none from a damaged file."""
    try:
        return tuple(_read(one) for one in json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _read(one: dict[str, Any]) -> Setback:
    how: How = one["how"] if one["how"] in get_args(How) else "rolled back"
    digests = {str(list_id): str(digest) for list_id, digest in one["digests"].items()}
    return Setback(tuple(map(int, one["generations"])), float(one["at"]), how, str(one["reason"]), digests)
