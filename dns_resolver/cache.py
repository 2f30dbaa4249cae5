"""Answers kept for their lifetime, bounded in bytes. Pure: the clock is passed in.

Expired answers stay until they are needed no more or their room is needed: they are what is left
when no upstream can be reached (RFC 8767). What is kept is never a decision: whoever takes an
answer out asks the engine again, so an answer cannot outlive a listing.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from dns_resolver.message import Answer, Asked

MAX_STALE_S = 86_400
"""RFC 8767 §5 suggests one to three days."""

_ENTRY_OVERHEAD_BYTES = 900
"""What one entry costs beside its bytes: the tuples, the key, the table slot. Measured, see the test."""


class _Kept(NamedTuple):
    answer: Answer
    stored_at: float
    cost_bytes: int


class Cache:
    """Least recently used goes first. `clock` gives monotonic seconds."""

    def __init__(self, max_bytes: int, clock: Callable[[], float]) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[Asked, _Kept] = OrderedDict()
        self._used_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def used_bytes(self) -> int:
        """An estimate of the memory in use, never above the bound."""
        return self._used_bytes

    def get(self, asked: Asked) -> tuple[Answer, float] | None:
        """The answer and its age in seconds, or None when there is none still fresh."""
        kept = self._kept.get(asked)
        if kept is None:
            return None
        age_s = self._clock() - kept.stored_at
        if age_s >= kept.answer.lifetime_s:
            return None
        self._kept.move_to_end(asked)
        return kept.answer, age_s

    def stale(self, asked: Asked) -> Answer | None:
        """The conclusive answer, if it expired no longer than a day ago or has not expired."""
        kept = self._kept.get(asked)
        if (
            kept is None
            or not kept.answer.conclusive
            or self._clock() - kept.stored_at >= kept.answer.lifetime_s + MAX_STALE_S
        ):
            return None
        return kept.answer

    def put(self, asked: Asked, answer: Answer) -> None:
        """Keep `answer`, making room; one that may not be kept or is larger than the cache is not.

        Nor is a failure where an older answer can still serve.
        """
        if not answer.conclusive and self.stale(asked) is not None:
            return
        cost = _ENTRY_OVERHEAD_BYTES + len(asked.name) + len(answer.body) + sum(map(_host_cost, answer.hosts))
        cost += 120 * len(answer.ttls)
        if answer.lifetime_s <= 0 or cost > self._max_bytes:
            return
        self.drop(asked)
        self._kept[asked] = _Kept(answer, self._clock(), cost)
        self._used_bytes += cost
        while self._used_bytes > self._max_bytes:
            self.drop(next(iter(self._kept)))

    def keys(self) -> list[Asked]:
        """What is kept now; the copy lets a caller work through it in steps."""
        return list(self._kept)

    def peek(self, asked: Asked) -> Answer | None:
        """The answer however old, without counting as a use."""
        kept = self._kept.get(asked)
        return kept.answer if kept else None

    def drop(self, asked: Asked) -> None:
        """Forget one answer, if it is there."""
        kept = self._kept.pop(asked, None)
        if kept is not None:
            self._used_bytes -= kept.cost_bytes


def _host_cost(host: str) -> int:
    return 57 + len(host)
