"""Answers kept for their lifetime, bounded in bytes; the native cache, with a clock.

Expired answers stay until they are needed no more or their room is needed: they are what is left
when no upstream can be reached (RFC 8767). What is kept is never a decision: whoever takes an
answer out asks the engine again, so an answer cannot outlive a listing.
"""

from collections.abc import Callable, Iterator

from cop_filter._native import AnswerCache
from dns_resolver.message import Answer, Asked


class Cache:
    """What was not used lately goes first. `clock` gives monotonic seconds."""

    def __init__(self, max_bytes: int, clock: Callable[[], float]) -> None:
        self.shared = AnswerCache(max_bytes)
        """For whoever else answers in this process."""
        self._clock = clock

    def __len__(self) -> int:
        return len(self.shared)

    @property
    def used_bytes(self) -> int:
        """The memory in use, never above the bound."""
        return self.shared.used_bytes

    def get(self, asked: Asked) -> tuple[Answer, int] | None:
        """The answer and its age in whole seconds, or None when there is none still fresh."""
        return self.shared.get(asked, self._clock())

    def stale(self, asked: Asked) -> Answer | None:
        """The conclusive answer, if it expired no longer than a day ago or has not expired."""
        return self.shared.stale(asked, self._clock())

    def put(self, asked: Asked, answer: Answer) -> None:
        """Keep `answer`, making room; one that may not be kept or is larger than the cache is not.

        Nor is a failure where an older answer can still serve.
        """
        self.shared.put(asked, answer, self._clock())

    def keys(self) -> list[Asked]:
        """What is kept now."""
        kept = self.shared.keys()
        return [Asked(*asked) for asked in kept]

    def steps(self, count: int) -> Iterator[list[tuple[Asked, Answer]]]:
        """All that is kept now, `count` at a time; answers may be put in and dropped meanwhile."""
        for end in range(len(self.shared), 0, -count):
            yield [(Asked(*kept), answer) for kept, answer in self.shared.before(end, count)]

    def peek(self, asked: Asked) -> Answer | None:
        """The answer however old, without counting as a use."""
        return self.shared.peek(asked)

    def drop(self, asked: Asked) -> None:
        """Forget one answer, if it is there."""
        self.shared.drop(asked)

    def clear(self) -> None:
        """Forget all."""
        self.shared.clear()
