"""Generations that were taken out of force, and why: `rollout.json`. Pure, no files.

They are never chosen again by themselves: not where the current one is damaged, nor by a rollback.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MOST = 100
"""The file keeps this many, the newest."""


@dataclass(frozen=True, slots=True)
class Setback:
    """`generations` are those that were taken out, at `at` (Unix seconds).

    `digests`: list id -> digest of what a failed trial had brought of a list, and what was in force did
    not have: the versions under suspicion. A rollback names none: a person decides what becomes of it.
    """

    generations: tuple[int, ...]
    at: float
    how: Literal["failed", "rolled back"]
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
    how: Literal["failed", "rolled back"] = "failed" if one["how"] == "failed" else "rolled back"
    digests = {str(list_id): str(digest) for list_id, digest in one["digests"].items()}
    return Setback(tuple(map(int, one["generations"])), float(one["at"]), how, str(one["reason"]), digests)
