"""The pipeline: packet in, packet out. No sockets here; `udp` and `tcp` carry the bytes.

`begin` answers at once what needs no upstream (errors, listed names, cached answers) and returns a
`Pending` for the rest, which `finish` answers later. A fast path may take over `begin` and hand
every packet it cannot answer down to it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from cop_filter._native import Cookies
from cop_filter.access import AccessList
from cop_filter.events import Events
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Action, Plane, Verdict
from dns_resolver import local_zones, message, qname, wire
from dns_resolver.answers import Answers
from dns_resolver.cache import Cache
from dns_resolver.edns import Ede
from dns_resolver.flight import Flights, TooManyFlights
from dns_resolver.forwarder import NoUpstreamAnswers
from dns_resolver.message import Answer, Asked
from dns_resolver.purge import purge_listed
from dns_resolver.qname import Decider
from dns_resolver.upstream import Failure
from dns_resolver.wire import Rcode, Rejected, Reply, Request

_STALE_TTL_S = 30
"""RFC 8767 §4."""
_STALE_AFTER_S = 1.8
"""RFC 8767 §5: how long a client waits before a stale answer is better than none; the flight goes on."""


class Upstreams(Protocol):
    """`forwarder.Forwarder`, or a test's stand-in. Raises NoUpstreamAnswers."""

    async def ask(self, asked: Asked) -> Answer: ...


class Way(NamedTuple):
    """The way back to a client, as far as it matters to what is sent."""

    stream: bool
    proven: bool
    """The client is where its address says: it has a connection, or a cookie sent there."""
    cookie: bytes | None
    """The answer to the client's."""


class Pending(NamedTuple):
    """A query that needs an upstream."""

    request: Request
    way: Way
    profile: str | None
    """The client's; its address is forgotten."""
    account: int
    """What its network is known by to the oracle budget."""


class Resolver:
    """One resolver; it holds the cache and the flights, and nothing about any client.

    The cache and the flights are shared by clients of all profiles: whatever is sent is judged for the one
    who asked.
    """

    def __init__(
        self,
        *,
        engine: Decider,
        answers: Answers,
        access: AccessList,
        profiles: ClientProfiles,
        cache: Cache,
        upstreams: Upstreams,
        events: Events,
        payload_bytes: int,
        cookies: Cookies,
        oracle: OracleBudget,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._answers = answers
        self._access = access
        self._profiles = profiles
        self._cache = cache
        self._upstreams = upstreams
        self._events = events
        self._payload_bytes = payload_bytes
        self._cookies = cookies
        self._oracle = oracle
        self._wall_clock = wall_clock
        self._flights: Flights[Asked, Answer] = Flights()

    def begin(self, packet: bytes, client: str, *, stream: bool = False) -> bytes | Pending | None:
        """The response, a `Pending` to be finished, or None when silence is the answer."""
        try:
            return self._begin(packet, client, stream=stream)
        except Exception:  # noqa: BLE001 - a bug must cost one answer, never the service
            self._events.fault(Plane.DNS)
            return None

    async def finish(self, pending: Pending, *, waited_s: float = 0.0) -> bytes:
        """The response to a query that needs an upstream, and has waited for one `waited_s` already."""
        request = pending.request
        asked = _asked(request)
        patience_s = None if self._cache.stale(asked) is None else max(_STALE_AFTER_S - waited_s, 0.0)
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._flights.join(asked, lambda: self._fetch(asked))
            reply = self._judged(pending, answer, message.reply(answer))
        except (NoUpstreamAnswers, TooManyFlights, TimeoutError) as error:
            if isinstance(error, TooManyFlights):
                self._events.dns("overload")
            reply = self._without_upstreams(pending, asked, error)
        except Exception:  # noqa: BLE001 - as above; nothing undecided leaves
            self._events.fault(Plane.DNS)
            return self.servfail(pending)
        return self._write(request, reply, pending.way)

    def servfail(self, pending: Pending) -> bytes:
        """The response when a query cannot be finished."""
        return self._write(pending.request, _error(Rcode.SERVFAIL), pending.way)

    @property
    def generation(self) -> int:
        """The generation in force."""
        return self._engine.generation

    @property
    def cached_answers(self) -> int:
        """How many answers are kept."""
        return len(self._cache)

    def flush(self) -> None:
        """Forget every kept answer."""
        self._cache.clear()

    async def purge(self) -> int:
        """Drop cached answers that a new generation lists for everybody; call after each swap."""
        return await purge_listed(self._cache, self._engine)

    async def close(self) -> None:
        """Cancel what still waits for an upstream."""
        await self._flights.close()

    def _begin(self, packet: bytes, client: str, *, stream: bool) -> bytes | Pending | None:
        permitted = self._access.permits(client)
        request = wire.read_query(packet)
        if request is None:
            self._events.dns("ignored")
            return None
        way = self._way(request, client, stream=stream)
        if not permitted:
            # Refused whatever it holds; the packet was read only to echo its question and its OPT.
            self._events.dns("outside_clients")
            return self._write(request, OUTSIDE, way)
        if isinstance(request, Rejected):
            self._events.dns("malformed" if request.rcode is Rcode.FORMERR else "not_implemented")
            return self._write(request, _error(request.rcode), way)
        pending = Pending(request, way, self._profiles.of(client), self._oracle.account(client))
        reply = self._at_once(pending)
        return pending if reply is None else self._write(request, reply, way)

    def _at_once(self, pending: Pending) -> Reply | None:
        """The reply that needs no upstream, if there is one."""
        request = pending.request
        if request.qclass != wire.CLASS_IN:
            self._events.dns("other_class")
            return _error(Rcode.REFUSED)
        reply = local_zones.answer(request.host, self._answers)
        if reply is not None:
            self._events.dns("local_zone")
            return reply
        if self._is_past_budget(pending):
            return self._refused()
        verdict, reply = self._stopped(pending)
        if reply is not None:
            return self._told(pending, verdict, request.host, reply)
        return self._known(pending, verdict)

    def _is_past_budget(self, pending: Pending) -> bool:
        """Whether the client's network was told so many entries that it is told nothing more.

        Looked at before anything else is; what no list can block passes, for it teaches nothing.
        """
        return self._oracle.is_spent(pending.account) and not qname.is_protected(
            self._engine, pending.request.host
        )

    def _refused(self) -> Reply:
        self._oracle.refused()
        return REFUSED

    def _told(self, pending: Pending, verdict: Verdict, host: str, reply: Reply) -> Reply:
        """`reply`, which tells that `host` is listed, unless the client's network was told enough."""
        if not self._oracle.may_tell(
            pending.account, verdict, lambda: qname.entry(self._engine, host, pending.profile)
        ):
            return self._refused()
        self._events.decided(Plane.DNS, verdict)
        return reply

    def _stopped(self, pending: Pending) -> tuple[Verdict, Reply | None]:
        """The verdict on the asked name, and the local reply that it calls for, if any. Counts nothing."""
        verdict = qname.decide(self._engine, pending.request.host, pending.profile)
        return verdict, self._answers.stops(verdict, pending.request.qtype)

    def _known(self, pending: Pending, verdict: Verdict) -> Reply | None:
        """The reply for a name that is not stopped, if no upstream is needed for it."""
        request = pending.request
        if request.qtype in wire.TRANSFER_AND_META_TYPES:
            self._events.dns("not_implemented")
            return _error(Rcode.NOTIMP)
        if not request.flags & wire.RD:
            # Without recursion only the cache could answer, and it would tell what others asked.
            self._events.dns("not_recursive")
            return _error(Rcode.REFUSED)
        kept = self._cache.get(_asked(request))
        if kept is None:
            self._events.dns("cache_miss")
            return None
        self._events.dns("cache_hit")
        answer, age_s = kept
        return self._followed(pending, verdict, answer, message.reply(answer, age_s))

    def _judged(self, pending: Pending, answer: Answer, reply: Reply) -> Reply:
        """What may be sent now in place of `reply`, which took a while to come.

        The engine may have swapped since the question came in; what counts is the generation in
        force when the answer leaves; and what its network was told until then.
        """
        if self._is_past_budget(pending):
            return self._refused()
        verdict, stopped = self._stopped(pending)
        if stopped is None:
            return self._followed(pending, verdict, answer, reply)
        return self._told(pending, verdict, pending.request.host, stopped)

    def _followed(self, pending: Pending, verdict: Verdict, answer: Answer, reply: Reply) -> Reply:
        """`reply`, unless something that its answer leads to is listed; `verdict` is the asked name's."""
        verdict, host = self._with_targets(verdict, answer, pending.profile)
        if verdict.stops:
            stopped = self._answers.blocked(verdict, pending.request.qtype)
            return self._told(pending, verdict, host, stopped)
        self._events.decided(Plane.DNS, verdict)
        return reply

    def _with_targets(self, verdict: Verdict, answer: Answer, profile: str | None) -> tuple[Verdict, str]:
        """The verdict on a name that passes, together with all that its answer leads to; and which of that
        is stopped."""
        for target in answer.hosts:
            host = qname.text(qname.labels(target))
            of_target = qname.decide(self._engine, host, profile)
            if of_target.stops:
                return of_target, host
            # A steered target leaves the alias alone: its pages are listed under another host.
            if of_target.action is Action.OBSERVE and verdict.action is Action.ALLOW:
                verdict = of_target
        return verdict, ""

    async def _fetch(self, asked: Asked) -> Answer:
        answer = await self._upstreams.ask(asked)
        # What everybody is kept from is not kept here; what only some are kept from is, for the others.
        verdict = qname.decide(self._engine, qname.text(qname.labels(asked.name)))
        if not verdict.stops and not self._with_targets(verdict, answer, None)[0].stops:
            self._cache.put(asked, answer)
        return answer

    def _without_upstreams(self, pending: Pending, asked: Asked, error: Exception) -> Reply:
        stale = self._cache.stale(asked)
        if stale is not None:
            self._events.dns("stale_answer")
            return self._judged(pending, stale, message.stale_reply(stale, _STALE_TTL_S))
        if self._is_past_budget(pending):
            return self._refused()
        self._events.dns("upstreams_failed")
        failures = error.failures if isinstance(error, NoUpstreamAnswers) else ()
        timeouts = all(failure is Failure.TIMEOUT for failure in failures)
        ede = Ede.NO_REACHABLE_AUTHORITY if timeouts else Ede.NETWORK_ERROR
        return _error(Rcode.SERVFAIL, ede)

    def _way(self, request: Request | Rejected, client: str, *, stream: bool) -> Way:
        if isinstance(request, Rejected) or request.cookie is None:
            return Way(stream, stream, None)
        proven, cookie = self._cookies.check(request.cookie, client, int(self._wall_clock()))
        return Way(stream, stream or proven, cookie)

    def _write(self, request: Request | Rejected, reply: Reply, way: Way) -> bytes:
        return wire.write_reply(
            request,
            reply,
            payload_bytes=self._payload_bytes,
            stream=way.stream,
            proven=way.proven,
            cookie=way.cookie,
        )


def _error(rcode: Rcode, *ede: Ede) -> Reply:
    return Reply(rcode, ede=ede, policy=True)


OUTSIDE = _error(Rcode.REFUSED, Ede.PROHIBITED)
"""What a client outside the served networks is told."""
REFUSED = _error(Rcode.REFUSED)
"""What a client network is told that was told enough: as little as can be, and always the same."""


def _asked(request: Request) -> Asked:
    do = request.edns is not None and request.edns.do
    return Asked(request.name, request.qtype, do, bool(request.flags & wire.CD))
