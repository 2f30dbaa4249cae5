"""Datagrams in and out, on real sockets."""

import asyncio
import socket

import pytest
from dns_asking import query, read
from listing_engine import blocked

from cop_filter.config import Address
from dns_resolver import listeners
from dns_resolver.udp import UdpListener


@pytest.fixture
async def listening(resolver, events):
    """Start listeners that stop with the test."""
    started = []

    def start(host="127.0.0.1", **options):
        pair = listeners.bind(Address(host, 0), reuse_port=False)
        started.append((UdpListener(pair.udp, resolver, events, **options), pair))
        started[-1][0].start()
        return started[-1][0], pair.address

    yield start
    for listener, pair in started:
        if pair.udp.fileno() >= 0:
            await listener.stop(1.0)
        pair.close()


async def exchange(sock, packet, address):
    loop = asyncio.get_running_loop()
    await loop.sock_sendto(sock, packet, address)
    async with asyncio.timeout(5):
        return await loop.sock_recvfrom(sock, 4096)


def client(host="127.0.0.1"):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock


@pytest.mark.parametrize(("host", "asked_at"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1")])
async def test_queries_are_answered_over_both_families(listening, host, asked_at):
    if ":" in host and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    _, address = listening(host)
    with client(asked_at) as sock:
        packet, peer = await exchange(sock, query("www.good.example"), (asked_at, address.port))
    assert read(packet).data == ["192.0.2.1"]
    assert peer[:2] == (asked_at, address.port)


@pytest.mark.parametrize(("host", "asked_at"), [("0.0.0.0", "127.0.0.3"), ("::", "::1")])
async def test_on_a_wildcard_address_the_answer_comes_from_where_the_query_went(
    listening, engine, host, asked_at
):
    engine.listed["bad.example"] = blocked()
    _, address = listening(host)
    with client("::1" if ":" in host else "127.0.0.1") as sock:
        for name in ("www.good.example", "bad.example"):
            _, peer = await exchange(sock, query(name), (asked_at, address.port))
            assert peer[:2] == (asked_at, address.port)


async def test_waiting_for_an_upstream_does_not_hold_up_others(listening, engine, upstream):
    engine.listed["bad.example"] = blocked()
    _, address = listening()
    upstream.held.clear()
    with client() as sock:
        await asyncio.get_running_loop().sock_sendto(sock, query("www.good.example", id_=1), address)
        await upstream.received.wait()
        packet, _ = await exchange(sock, query("bad.example", id_=2), address)
        assert read(packet).id == 2
        upstream.held.set()
        packet, _ = await exchange(sock, b"", address)
        assert read(packet).id == 1


async def test_beyond_the_limit_of_waiting_queries_the_answer_is_servfail(listening, upstream, counted):
    listener, address = listening(max_pending=1)
    upstream.held.clear()
    with client() as sock:
        await asyncio.get_running_loop().sock_sendto(sock, query("www.good.example"), address)
        await upstream.received.wait()
        packet, _ = await exchange(sock, query("pages.example"), address)
        assert read(packet).rcode == 2
    assert counted("dns_events", event="overload") == 1
    assert listener.pending == 1
    upstream.held.set()


async def test_stopping_answers_what_has_arrived_and_what_waits(listening, upstream, engine):
    engine.listed["bad.example"] = blocked()
    listener, address = listening()
    upstream.held.clear()
    with client() as sock:
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(sock, query("www.good.example", id_=1), address)
        await upstream.received.wait()
        sock.sendto(query("bad.example", id_=2), address)  # arrives before the loop turns again
        stopping = asyncio.ensure_future(listener.stop(5.0))
        async with asyncio.timeout(5):
            assert read(await loop.sock_recv(sock, 4096)).id == 2
            upstream.held.set()
            assert read(await loop.sock_recv(sock, 4096)).id == 1
        await stopping


async def test_stopping_gives_up_on_an_upstream_after_the_grace_time(listening, upstream):
    listener, address = listening()
    upstream.held.clear()
    with client() as sock:
        await asyncio.get_running_loop().sock_sendto(sock, query("www.good.example"), address)
        await upstream.received.wait()
    await listener.stop(0.01)
    assert listener.pending == 0


async def test_a_taken_port_is_a_configuration_error_that_names_the_key():
    pair = listeners.bind(Address("127.0.0.1", 0), reuse_port=False)
    with pytest.raises(listeners.ConfigError, match=r"^dns\.listen: cannot listen"):
        listeners.bind(pair.address, reuse_port=False)
    pair.close()


async def test_workers_share_every_port():
    shares = listeners.bind_all([Address("127.0.0.1", 0), Address("127.0.0.2", 0)], 3)
    assert len(shares) == 3
    assert len({tuple(pair.address for pair in share) for share in shares}) == 1
    for share in shares:
        for pair in share:
            pair.close()
