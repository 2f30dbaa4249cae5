"""Several upstreams behind one question: order, failover, health.

Upstreams are used in the order of the configuration. One that fails twice in a row is asked last
until a health check reaches it again; when all of them are down they are still tried, for a wrong
opinion about health must never be the reason for silence.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from cop_filter.config import Address
from cop_filter.errors import CopFilterError
from cop_filter.events import Events
from dns_resolver.message import Answer, Asked
from dns_resolver.upstream import Failure, UpstreamFailed, exchange
from dns_resolver.wire import TYPE_NS, Rcode

_FAILURES_UNTIL_DOWN = 2
_MAX_SOCKETS = 1000
_PROBE = Asked(b"\0", TYPE_NS)
"""A health check asks for the root's name servers: nobody's name, and every resolver knows it."""
_CONCLUSIVE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})


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
        self._failures_in_a_row = [0] * len(self._upstreams)
        self._sockets = asyncio.Semaphore(_MAX_SOCKETS)
        for place in range(len(self._upstreams)):
            events.upstream_health(place, up=True)

    def is_up(self, place: int) -> bool:
        """True unless the upstream at `place` failed its last queries."""
        return self._failures_in_a_row[place] < _FAILURES_UNTIL_DOWN

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
                if answer.rcode in _CONCLUSIVE:
                    return answer
                inconclusive = answer
        if inconclusive is None:
            raise NoUpstreamAnswers(failures)
        return inconclusive

    async def watch_health(self, interval_s: float = 1.0) -> None:
        """Ask those that are down, every `interval_s`, until they answer. Runs until cancelled."""
        while True:
            await asyncio.sleep(interval_s)
            down = [place for place in range(len(self._upstreams)) if not self.is_up(place)]
            await asyncio.gather(*(self._probe(place) for place in down))

    async def _probe(self, place: int) -> None:
        try:
            await self._ask_at(place, _PROBE)
        except UpstreamFailed:
            return  # counted, and asked again at the next turn

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
            if failed.failure is not Failure.NO_ROOM:
                self._record(place, self._failures_in_a_row[place] + 1)
            raise
        self._events.upstream(place, "answered" if answer.rcode in _CONCLUSIVE else "error_response")
        self._record(place, 0)
        return answer

    def _record(self, place: int, failures_in_a_row: int) -> None:
        was_up = self.is_up(place)
        self._failures_in_a_row[place] = failures_in_a_row
        if self.is_up(place) != was_up:
            self._events.upstream_health(place, up=not was_up)
