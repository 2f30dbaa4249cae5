"""One waker for each list: however often it is woken, it is one fetch at a time and one after."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable

GAP_S = 1.0
"""Between two fetches of a list that were asked for: a flood of requests is one question a second."""


class Wakers:
    """Wakes those who wait for a list's next refresh. `clock` is monotonic."""

    def __init__(
        self,
        list_ids: Iterable[str],
        *,
        gap_s: float = GAP_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._events = {one: asyncio.Event() for one in list_ids}
        self._woken_at = dict.fromkeys(self._events, float("-inf"))
        self._gap_s = gap_s
        self._clock = clock
        self._sleep = sleep

    def wake(self, list_id: str) -> bool:
        """Have the list refreshed now, or again after the refresh that is under way; False: no such list."""
        event = self._events.get(list_id)
        if event is None:
            return False
        event.set()
        return True

    def wake_all(self) -> None:
        """The same for every list."""
        for event in self._events.values():
            event.set()

    async def wait(self, list_id: str, most_s: float) -> None:
        """Return when the list is woken, or after `most_s` seconds."""
        event = self._events[list_id]
        # The loop's clock is monotonic: setting the system's time neither starves nor storms a list.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await event.wait()
        if not event.is_set():
            return
        early_s = self._woken_at[list_id] + self._gap_s - self._clock()
        if early_s > 0:
            await self._sleep(early_s)
        # From here on, whoever wakes it may know of something newer than what the refresh will see.
        event.clear()
        self._woken_at[list_id] = self._clock()
