"""Several upstreams behind one question: order, failover, health.

Upstreams are used in the order of the configuration. One that is silent twice in a row is checked
at once, and while checks fail it is asked last. Only a check marks it down: silence about one name
may be the doing of whoever owns that name. When all are down they are still tried, for a wrong
opinion about health must never be the reason for no answer.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from cop_filter.config import Address
from cop_filter.errors import CopFilterError
from cop_filter.events import Events
from dns_resolver.message import Answer, Asked
from dns_resolver.upstream import Failure, UpstreamFailed, exchange
from dns_resolver.wire import TYPE_NS

_SILENCES_UNTIL_CHECK = 2
_MAX_SOCKETS = 1000
_PROBE = Asked(b"\0", TYPE_NS)
"""A health check asks for the root's name servers: nobody's name, and every resolver knows it."""
_SILENT = frozenset({Failure.TIMEOUT, Failure.UNREACHABLE})


class Exchange(Protocol):
    """`upstream.exchange`, or a test's stand-in."""

    async def __call__(
        self, address: Address, asked: Asked, *, timeout_s: float, payload_bytes: int
    ) -> Answer: ...


class NoUpstreamAnswers(CopFilterError):  # noqa: N818 - named like FetchFailed in cop_filter.errors
    """Every upstream was asked and none gave an answer."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        self.failures = tuple(failures)
        super().__init__("no upstream answers")


class Forwarder:
    """Asks the upstreams. One for each process; `watch_health` must be run beside it."""

    def __init__(
        self,
        upstreams: Sequence[Address],
        events: Events,
        *,
        timeout_s: float,
        payload_bytes: int,
        ask_one: Exchange = exchange,
    ) -> None:
        self._upstreams = tuple(upstreams)
        self._events = events
        self._timeout_s = timeout_s
        self._payload_bytes = payload_bytes
        self._ask_one = ask_one
        self._up = [True] * len(self._upstreams)
        self._silences = [0] * len(self._upstreams)
        self._suspicion = asyncio.Event()
        self._sockets = asyncio.Semaphore(_MAX_SOCKETS)
        self.on_change: Callable[[], None] = lambda: None
        """Called when the opinion about an upstream's health has changed."""
        for place in range(len(self._upstreams)):
            events.upstream_health(place, up=True)

    def is_up(self, place: int) -> bool:
        """True unless the upstream at `place` failed its last health check."""
        return self._up[place]

    @property
    def preferred(self) -> Address | None:
        """The upstream to ask first; None while none is up."""
        return next((address for address, up in zip(self._upstreams, self._up, strict=True) if up), None)

    def suspect(self) -> None:
        """Check the preferred upstream at once: somebody waited for it in vain."""
        if True in self._up:
            place = self._up.index(True)
            if not self._is_suspect(place):
                self._silences[place] = _SILENCES_UNTIL_CHECK
                self._suspicion.set()

    def count(self, result: str, times: int) -> None:
        """Count queries that somebody else sent to the preferred upstream."""
        self._events.upstream(self._up.index(True) if True in self._up else 0, result, times)

    async def ask(self, asked: Asked) -> Answer:
        """The first conclusive answer; else the last error response. Raises NoUpstreamAnswers."""
        failures: list[Failure] = []
        inconclusive: Answer | None = None
        async with self._sockets:
            # A stable sort: those that are up first, and otherwise the operator's order.
            for place in sorted(range(len(self._upstreams)), key=self.is_up, reverse=True):
                try:
                    answer = await self._ask_at(place, asked)
                except UpstreamFailed as failed:
                    failures.append(failed.failure)
                    continue
                if answer.conclusive:
                    return answer
                inconclusive = answer
        if inconclusive is None:
            raise NoUpstreamAnswers(failures)
        return inconclusive

    async def watch_health(self, interval_s: float = 1.0) -> None:
        """Check those that are suspected at once, and those that are down every `interval_s`.

        Runs until cancelled.
        """
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._suspicion.wait(), interval_s)
            self._suspicion.clear()
            places = range(len(self._upstreams))
            doubtful = [place for place in places if not self._up[place] or self._is_suspect(place)]
            await asyncio.gather(*(self._check(place) for place in doubtful))

    async def _check(self, place: int) -> None:
        try:
            await self._ask_at(place, _PROBE)
        except UpstreamFailed as failed:
            self._mark(place, up=failed.failure not in _SILENT)
        else:
            self._mark(place, up=True)

    def _is_suspect(self, place: int) -> bool:
        return self._silences[place] >= _SILENCES_UNTIL_CHECK

    def _mark(self, place: int, *, up: bool) -> None:
        self._silences[place] = 0
        if up != self._up[place]:
            self._up[place] = up
            self._events.upstream_health(place, up=up)
            self.on_change()

    async def _ask_at(self, place: int, asked: Asked) -> Answer:
        try:
            answer = await self._ask_one(
                self._upstreams[place],
                asked,
                timeout_s=self._timeout_s,
                payload_bytes=self._payload_bytes,
            )
        except UpstreamFailed as failed:
            self._events.upstream(place, failed.failure.value)
            if failed.failure in _SILENT:
                self._silences[place] += 1
                if self._up[place] and self._is_suspect(place):
                    self._suspicion.set()
            raise
        self._events.upstream(place, "answered" if answer.conclusive else "error_response")
        self._mark(place, up=True)
        return answer
