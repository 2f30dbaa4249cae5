"""Identical questions in flight share one upstream query (also against birthday attacks, RFC 5452 §5)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from cop_filter.errors import CopFilterError

K = TypeVar("K")
V = TypeVar("V")


class TooManyFlights(CopFilterError):  # noqa: N818 - named like FetchFailed in cop_filter.errors
    """As many questions are in flight as there is room for."""


class Flights(Generic[K, V]):
    """What is being asked right now: at most `most` questions, for a flight outlives its callers."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._flying: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def join(self, key: K, start: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The result of the flight for `key`, started if there is none; its error is raised to all.

        Raises TooManyFlights where there is no room to start it. A caller that is cancelled leaves; the
        flight goes on for the others, and for the cache.
        """
        task = self._flying.get(key)
        if task is None:
            if len(self._flying) >= self._most:
                raise TooManyFlights
            task = asyncio.get_running_loop().create_task(start())
            self._flying[key] = task
            task.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(task)

    def _land(self, key: K, task: asyncio.Task[V]) -> None:
        del self._flying[key]
        if not task.cancelled():
            task.exception()  # seen: with all callers gone, nobody else would look

    async def close(self) -> None:
        """Cancel what still flies and wait until it has landed."""
        tasks = list(self._flying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
