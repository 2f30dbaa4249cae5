"""The very first start: nothing is published yet, and whatever enforces would let everything pass.

So it waits until every list was tried once, but not for ever: a list's server that hangs must not keep a
whole network from its names and pages.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection

from cop_filter.errors import StateError
from cop_filter.store import Store

_log = logging.getLogger(__name__)

_MOST_S = 60.0
_POLL_S = 0.1


class FirstLists:
    """Looks at what another process publishes and notes; `ids` are the lists that are waited for.

    To be made before that process is started: what it noted earlier does not count.
    """

    def __init__(
        self,
        store: Store,
        ids: Collection[str],
        *,
        most_s: float = _MOST_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._ids = ids
        self._most_s = most_s
        self._clock = clock
        self._noted_before = store.read_status()

    async def wait(self, stopping: asyncio.Event) -> None:
        """Return when all were tried, at once when something was published long ago, or when stopping."""
        if self._published():
            return
        _log.info("nothing is published yet: dns and proxy wait for the lists, %g s at most", self._most_s)
        deadline = self._clock() + self._most_s
        while (untried := self._untried()) and not stopping.is_set() and self._clock() < deadline:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _POLL_S)
        if stopping.is_set():
            return
        if untried:
            _log.warning("not waiting any longer for: %s", ", ".join(untried))
        if not self._published():
            _log.warning(
                "no list could be published: until one is, dns and proxy let everything pass; "
                "`cop-filter status` tells why"
            )

    def _published(self) -> bool:
        try:
            return self._store.current() is not None
        except StateError:
            # Something was, and it is damaged: the roles know what to do about that.
            return True

    def _untried(self) -> list[str]:
        noted = self._store.read_status()
        return [one for one in self._ids if noted.get(one) == self._noted_before.get(one)]
