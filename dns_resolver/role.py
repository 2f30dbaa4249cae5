"""One resolver process, assembled: engine, resolver, listeners, and what runs beside them."""

import asyncio
import logging
import os
import resource
import signal
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from cop_filter._native import Cookies, Oracle
from cop_filter.access import AccessList
from cop_filter.cli.exits import Exit
from cop_filter.config import Config, DnsConfig
from cop_filter.engine import Engine
from cop_filter.events import Events
from cop_filter.loader import Watcher, open_engine
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.store import Store
from dns_resolver import control
from dns_resolver.answers import Answers
from dns_resolver.cache import Cache
from dns_resolver.fast import FastListener, native_path
from dns_resolver.forwarder import Forwarder
from dns_resolver.listeners import Listening
from dns_resolver.resolver import Resolver
from dns_resolver.tcp import TcpListener

_GRACE_S = 3.0
_YIELDING = 10
"""How much less the kernel thinks of Python's thread than of the native one, when both want the core."""
_ROLE = "dns"
_log = logging.getLogger(__name__)


def run(
    config: Config,
    dns: DnsConfig,
    listening: Sequence[Listening],
    cookie_secret: bytes,
    told: Oracle,
    *,
    canary: bool = False,
) -> Exit:
    """Serve until SIGTERM or SIGINT. Exit.REFUSED when something beside the queries broke.

    `told` is what client networks were told of, by all workers. `canary`: new generations are tried on
    this process.
    """
    _allow_many_sockets()
    return asyncio.run(_serve(config, dns, listening, cookie_secret, told, canary=canary))


async def _serve(
    config: Config,
    dns: DnsConfig,
    listening: Sequence[Listening],
    cookie_secret: bytes,
    told: Oracle,
    *,
    canary: bool,
) -> Exit:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_report)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    events = Events()
    store = Store.of(config)
    engine = open_engine(store, canary=canary, on_fault=events.fault)
    events.generation(_ROLE, engine.generation)
    forwarder = Forwarder(
        dns.upstreams, events, timeout_s=dns.upstream_timeout_s, payload_bytes=dns.udp_payload_bytes
    )
    answers = Answers(
        splash=config.splash.addresses if config.splash else (),
        steer_to=dns.steer_to,
        ttl_s=dns.blocked_ttl_s,
    )
    profiles = ClientProfiles(config.profiles)
    cache = Cache(dns.cache_bytes // dns.workers, time.monotonic)
    oracle = OracleBudget(config.oracle, events.dns, native=told)
    resolver = Resolver(
        engine=engine,
        answers=answers,
        access=AccessList(dns.clients),
        profiles=profiles,
        cache=cache,
        upstreams=forwarder,
        events=events,
        payload_bytes=dns.udp_payload_bytes,
        cookies=Cookies(cookie_secret),
        oracle=oracle,
    )
    fast = FastListener(
        native_path(
            cache,
            oracle,
            clients=dns.clients,
            profiles=profiles,
            cookie_secret=cookie_secret,
            payload_bytes=dns.udp_payload_bytes,
            rate_limit=dns.rate_limit_per_s,
            rate_limit_slip=dns.rate_limit_slip,
            patience_s=dns.upstream_timeout_s / 2,
        ),
        engine=engine,
        resolver=resolver,
        profiles=profiles,
        answers=answers,
        forwarder=forwarder,
        cache=cache,
        events=events,
        oracle=oracle,
        sockets=[pair.udp for pair in listening],
    )
    swapped = asyncio.Event()

    def on_swap(engine: Engine) -> None:
        fast.install()
        events.generation(_ROLE, engine.generation)
        swapped.set()

    beside = [
        Watcher(store, engine, on_swap, canary=canary).run(),
        forwarder.watch_health(),
        fast.run(),
        _purge_after_swaps(resolver, swapped),
    ]
    if dns.control is not None:
        beside.append(control.serve(control.bind(dns.control), resolver))
    tcp = [TcpListener(pair.tcp, resolver, events) for pair in listening]
    try:
        return await _listen(fast, tcp, beside, stop)
    finally:
        await resolver.close()


async def _listen(
    fast: FastListener,
    tcp: Sequence[TcpListener],
    beside: Sequence[Awaitable[Any]],
    stop: asyncio.Event,
) -> Exit:
    fast.start()
    # Of this thread, on Linux; the native one was started before and keeps its place.
    os.nice(_YIELDING)
    for connections in tcp:
        await connections.start()
    stopped = asyncio.ensure_future(stop.wait())
    running = [asyncio.ensure_future(work) for work in beside]
    await asyncio.wait([stopped, *running], return_when=asyncio.FIRST_COMPLETED)
    for work in (stopped, *running):
        work.cancel()
    results = await asyncio.gather(*running, return_exceptions=True)
    await asyncio.gather(fast.stop(_GRACE_S), *(connections.stop(_GRACE_S) for connections in tcp))
    broken = [result for result in results if not isinstance(result, asyncio.CancelledError)]
    for result in broken:
        # Without its watcher a resolver would go on with an old list for ever: start anew.
        _log.error("stopping: a background task ended: %s", type(result).__name__)
    return Exit.REFUSED if broken else Exit.OK


async def _purge_after_swaps(resolver: Resolver, swapped: asyncio.Event) -> None:
    while True:
        await swapped.wait()
        swapped.clear()
        await resolver.purge()


def _report(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio could not handle by its kind alone: its own text may hold an address."""
    error = context.get("exception")
    _log.error("unexpected: %s", type(error).__name__ if error is not None else "no exception")


def _allow_many_sockets() -> None:
    """Every query to an upstream has its own socket; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
