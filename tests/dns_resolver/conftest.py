"""Fixtures: upstreams on loopback, and a resolver between a fake engine and them."""

import time
from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest
from dns_asking import query, read
from listing_engine import FakeEngine
from loopback_upstream import FakeUpstream, zone
from prometheus_client import CollectorRegistry

from cop_filter._native import Cookies
from cop_filter.access import AccessList
from cop_filter.config import Address
from cop_filter.events import Events
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from dns_resolver import listeners
from dns_resolver.answers import Answers
from dns_resolver.cache import Cache
from dns_resolver.fast import FastListener, native_path
from dns_resolver.forwarder import Forwarder
from dns_resolver.resolver import Resolver

SPLASH = (ip_address("192.0.2.80"), ip_address("2001:db8::80"))
COOKIE_SECRET = b"0123456789abcdef"
STEER = (ip_address("192.0.2.90"),)
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
ZONE = """
www.good.example. 300 A 192.0.2.1
www.good.example. 300 AAAA 2001:db8::1
alias.good.example. 300 CNAME www.bad.example.
www.bad.example. 300 A 192.0.2.66
pages.example. 300 A 192.0.2.3
pages.example. 300 TXT "text"
"""


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def events(registry):
    return Events(registry)


@pytest.fixture
def counted(registry):
    """Read a counter: counted("dns_events", event="malformed")."""

    def value(name, **labels):
        return registry.get_sample_value(f"cop_filter_{name}_total", labels) or 0

    return value


@pytest.fixture
async def start_upstream():
    """Start fake upstreams that stop with the test."""
    started = []

    async def start(answer, **options):
        started.append(await FakeUpstream(answer).start(**options))
        return started[-1]

    yield start
    for upstream in started:
        await upstream.stop()


@pytest.fixture
async def upstream(start_upstream):
    return await start_upstream(zone(ZONE))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def answers():
    return Answers(splash=SPLASH, steer_to=STEER, ttl_s=30)


@pytest.fixture
def cache():
    return Cache(1 << 20, time.monotonic)


@pytest.fixture
def cookies():
    """As the resolver's, and as those of its sisters with the same secret."""
    return Cookies(COOKIE_SECRET)


@pytest.fixture
def forwarder(upstream, events):
    return Forwarder([upstream.address], events, timeout_s=1.0, payload_bytes=1232)


@pytest.fixture
def profiles():
    return ClientProfiles()


@pytest.fixture
def oracle():
    return OracleBudget.unlimited()


@pytest.fixture
async def resolver(engine, answers, profiles, cache, forwarder, events, oracle):  # noqa: PLR0917 - fixtures
    resolver = Resolver(
        engine=engine,
        answers=answers,
        access=AccessList(LOOPBACK),
        profiles=profiles,
        cache=cache,
        upstreams=forwarder,
        events=events,
        payload_bytes=1232,
        cookies=Cookies(COOKIE_SECRET),
        oracle=oracle,
    )
    yield resolver
    await resolver.close()


@pytest.fixture
def ask(resolver):
    """Ask the resolver without sockets; returns what `read` makes of the response."""

    async def ask(name, qtype="A", *, client="127.0.0.1", stream=False, **options):
        packet = name if isinstance(name, bytes) else query(name, qtype, **options)
        response = resolver.begin(packet, client, stream=stream)
        if response is not None and not isinstance(response, bytes):
            response = await resolver.finish(response)
        return SimpleNamespace(silent=True) if response is None else read(response)

    return ask


@pytest.fixture
async def listen(engine, resolver, profiles, answers, forwarder, cache, events, oracle):  # noqa: PLR0917 - fixtures
    """Start fast listeners that stop with the test; gives each with its address."""
    started = []

    def start(host="127.0.0.1", *, clients=LOOPBACK, rate_limit=0, slip=2, patience_s=0.5, **options):
        pair = listeners.bind(Address(host, 0), reuse_port=False)
        native = native_path(
            cache,
            oracle,
            clients=clients,
            profiles=profiles,
            cookie_secret=COOKIE_SECRET,
            payload_bytes=1232,
            rate_limit=rate_limit,
            rate_limit_slip=slip,
            patience_s=patience_s,
        )
        listener = FastListener(
            native,
            engine=engine,
            resolver=resolver,
            profiles=profiles,
            answers=answers,
            forwarder=forwarder,
            cache=cache,
            events=events,
            oracle=oracle,
            sockets=[pair.udp],
            **options,
        )
        listener.start()
        started.append((listener, pair))
        return listener, pair.address

    yield start
    for listener, pair in started:
        if pair.udp.fileno() >= 0:
            await listener.stop(1.0)
        pair.close()
