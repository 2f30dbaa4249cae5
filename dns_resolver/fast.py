"""The native fast path and the resolver behind it, working as one listener.

The native thread answers what stands decided, and hands everything else up to here. Here it is answered
by the resolver; and what the thread wanted to know is told, so that it need not ask again. Rust repeats
what is decided in Python: see docs/dns-fast-path.md.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Protocol, get_args

from cop_filter._native import FastPath, HandUp, Index
from cop_filter.errors import CopFilterError
from cop_filter.events import DnsEvent, Events
from cop_filter.index import Codes, Matcher, Protected
from cop_filter.oracle import OracleBudget, tells
from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Plane, Verdict
from dns_resolver.answers import Answers
from dns_resolver.cache import Cache
from dns_resolver.forwarder import Forwarder
from dns_resolver.local_zones import zones
from dns_resolver.resolver import OUTSIDE, Pending, Resolver
from dns_resolver.wire import TRANSFER_AND_META_TYPES, Reply

_BATCH = 64
"""Queries taken in one turn of the event loop; more would starve the upstream answers."""
_MAX_PENDING = 4096
_COLLECT_S = 0.2

_RESULTS = {
    "upstream_answered": "answered",
    "upstream_trouble": "error_response",
    "upstream_silent": "timeout",
}
_EVENTS: dict[str, DnsEvent] = {word: word for word in get_args(DnsEvent)}


Wanted = tuple[Codes, int, int]
"""Matches, query type, and the number of the client's profile."""
Lesson = tuple[Codes, int, int, int, str, Reply | None, int | None]
"""The same, with label, action, the reply unless the question may go on, and which of the matches that tells
of if it is an entry of a confidential list."""


class FastPathEnded(CopFilterError):  # noqa: N818 - named like FetchFailed in cop_filter.errors
    """The native thread ended by itself, which is a bug: the role must be started anew."""


class Decides(Protocol):
    """The part of the engine that the fast path repeats."""

    @property
    def index(self) -> Matcher: ...

    @property
    def faults(self) -> int: ...

    @property
    def allow(self) -> Verdict: ...

    def decide_codes(
        self, codes: Codes, plane: str = "dns", profile: str | None = None
    ) -> Verdict | None: ...

    def deciding_place(self, codes: Codes, plane: str = "dns", profile: str | None = None) -> int | None: ...

    @property
    def protected(self) -> Protected | None: ...

    def holds(self) -> tuple[float, float]: ...


class FastListener:
    """Answers what comes in on bound, non-blocking UDP sockets. `profiles` are those of `native`."""

    def __init__(
        self,
        native: FastPath,
        *,
        engine: Decides,
        resolver: Resolver,
        profiles: ClientProfiles,
        answers: Answers,
        forwarder: Forwarder,
        cache: Cache,
        events: Events,
        oracle: OracleBudget,
        sockets: Sequence[socket.socket] = (),
        max_pending: int = _MAX_PENDING,
    ) -> None:
        self._native = native
        self._engine = engine
        self._resolver = resolver
        self._profiles = profiles
        self._answers = answers
        self._zones = zones(answers)
        self._forwarder = forwarder
        self._cache = cache
        self._events = events
        self._oracle = oracle
        self._max_pending = max_pending
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets = tuple(sockets)
        self._labels: dict[tuple[str, str | None], int] = {}
        self._verdicts: list[Verdict] = []
        self._serial = 0
        self._holds = (0.0, 0.0)
        self.install()

    @property
    def pending(self) -> int:
        """How many queries wait in Python for an upstream."""
        return len(self._tasks)

    def install(self) -> None:
        """Have the thread answer by the engine's generation alone; to be called after each swap.

        What it had learned is told anew, so that no query has to wait for it.
        """
        index = self._engine.index
        self._holds = self._engine.holds()
        self._serial = self._native.install(
            index if isinstance(index, Index) else None,
            self._engine.protected,
            self._label(self._engine.allow),
            self._holds,
            self._zones,
            self._lessons(self._native.learned()),
        )

    def teach(self, *wanted: Wanted) -> None:
        """Tell the thread what is decided about these matches."""
        self._native.learn(self._serial, self._lessons(wanted))

    def start(self) -> None:
        """Begin to answer."""
        self._forwarder.on_change = self._choose_upstream
        self._choose_upstream()
        self._native.start([sock.fileno() for sock in self._sockets])
        asyncio.get_running_loop().add_reader(self._native.fileno(), self._handed_up)

    async def run(self) -> None:
        """Collect what the thread counts, until cancelled. Raises FastPathEnded."""
        while self._native.is_alive:
            await asyncio.sleep(_COLLECT_S)
            self._collect()
        raise FastPathEnded("the native thread ended")

    async def stop(self, grace_s: float) -> None:
        """Answer what has arrived, wait for the upstreams at most `grace_s`, close."""
        asyncio.get_running_loop().remove_reader(self._native.fileno())
        self._native.stop()
        more = True
        while more:
            more = self._handed_up()
            await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._collect()
        for sock in self._sockets:
            sock.close()

    def _handed_up(self) -> bool:
        """Take a batch; True when there may be more."""
        if self._engine.holds() != self._holds:
            self.install()  # an exemption has ended, and what was told before no longer stands
        batch = self._native.take(_BATCH)
        for hand_up in batch:
            try:
                self._look_after(hand_up)
            except Exception:  # noqa: BLE001 - a bug must cost one answer, never the batch
                self._events.fault(Plane.DNS)
        return len(batch) == _BATCH

    def _look_after(self, hand_up: HandUp) -> None:
        if hand_up.undecided is not None:
            self.teach(hand_up.undecided)
        if hand_up.waited_s > 0:
            self._forwarder.suspect()
        self._answer(hand_up)

    def _lessons(self, wanted: Iterable[Wanted]) -> list[Lesson]:
        lessons: list[Lesson] = []
        for codes, qtype, number in wanted:
            faults = self._engine.faults
            profile = self._profiles.id_of(number)
            verdict = self._engine.decide_codes(codes, profile=profile)
            # What the fail policy says is for one answer, not for good.
            if verdict is not None and self._engine.faults == faults:
                reply = self._answers.stops(verdict, qtype)
                told = None
                if reply is not None and tells(verdict):
                    told = self._engine.deciding_place(codes, profile=profile)
                label, action = self._label(verdict), verdict.action.value
                lessons.append((codes, qtype, number, label, action, reply, told))
        return lessons

    def _label(self, verdict: Verdict) -> int:
        """The number under which the thread counts this verdict's action and list."""
        key = (verdict.action.value, verdict.list_id)
        label = self._labels.get(key)
        if label is None:
            label = self._labels[key] = len(self._verdicts)
            self._verdicts.append(verdict)
        return label

    def _answer(self, hand_up: HandUp) -> None:
        answer = self._resolver.begin(hand_up.packet, hand_up.client)
        if isinstance(answer, Pending):
            if len(self._tasks) >= self._max_pending:
                self._events.dns("overload")
                self._send(hand_up, self._resolver.servfail(answer))
                return
            task = asyncio.get_running_loop().create_task(self._finish(answer, hand_up))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif answer is not None:
            self._send(hand_up, answer)

    async def _finish(self, pending: Pending, hand_up: HandUp) -> None:
        self._send(hand_up, await self._resolver.finish(pending, waited_s=hand_up.waited_s))

    def _send(self, hand_up: HandUp, answer: bytes) -> None:
        try:
            self._native.send(hand_up, answer)
        except OSError:
            self._events.dns("not_sent")  # full buffer or no route: as lost as any datagram may be

    def _choose_upstream(self) -> None:
        upstream = self._forwarder.preferred
        if upstream is None or "%" in upstream.host:  # a scoped address is Python's to ask
            self._native.forward_to()
        else:
            self._native.forward_to(upstream.host, upstream.port)

    def _collect(self) -> None:
        events, labels, fast, forwarded = self._native.collect()
        for word, times in zip(FastPath.EVENTS, events, strict=True):
            if not times:
                continue
            if word in _EVENTS:
                self._events.dns(_EVENTS[word], times)
            elif word in _RESULTS:
                self._forwarder.count(_RESULTS[word], times)
            else:
                for _ in range(times):
                    self._events.fault(Plane.DNS)
        for verdict, times in zip(self._verdicts, labels, strict=False):
            if times:
                self._events.decided(Plane.DNS, verdict, times)
        self._oracle.report()
        self._events.dns_latency("fast", fast)
        self._events.dns_latency("forwarded", forwarded)
        self._events.cached(len(self._cache), self._cache.used_bytes)


def native_path(
    cache: Cache,
    oracle: OracleBudget,
    *,
    clients: Iterable[IPv4Network | IPv6Network],
    profiles: ClientProfiles,
    cookie_secret: bytes,
    payload_bytes: int,
    rate_limit: int,
    rate_limit_slip: int,
    patience_s: float,
) -> FastPath:
    """The native half over `cache` and `oracle`: whom it serves, and what it may say by itself.

    `rate_limit` counts responses a second to one client network without a cookie, 0: no limit;
    `patience_s` is how long it waits for an upstream before it hands a query up.
    """
    return FastPath(
        cache.shared,
        oracle.native,
        networks=[(network.network_address, network.prefixlen) for network in clients],
        profiles=profiles.networks,
        cookie_secret=cookie_secret,
        outside=OUTSIDE,
        payload_bytes=payload_bytes,
        never_forwarded=list(TRANSFER_AND_META_TYPES),
        rate_limit=rate_limit,
        rate_limit_slip=rate_limit_slip,
        patience_s=patience_s,
    )
