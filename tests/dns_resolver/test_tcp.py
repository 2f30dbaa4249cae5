"""Queries over TCP as RFC 7766 has them, on real sockets."""

import asyncio

import pytest
from dns_asking import query, read
from listing_engine import blocked

from cop_filter.config import Address
from dns_resolver import listeners
from dns_resolver.tcp import TcpListener


@pytest.fixture
async def listening(resolver, events):
    started = []

    async def start(host="127.0.0.1", **options):
        pair = listeners.bind(Address(host, 0), reuse_port=False)
        listener = TcpListener(pair.tcp, resolver, events, **options)
        await listener.start()
        started.append((listener, pair))
        return listener, pair.address

    yield start
    for listener, pair in started:
        await listener.stop(1.0)
        pair.close()


@pytest.fixture
async def connect():
    writers = []

    async def connect(address):
        reader, writer = await asyncio.open_connection(*address)
        writers.append(writer)
        return reader, writer

    yield connect
    for writer in writers:
        writer.transport.abort()


def framed(packet):
    return len(packet).to_bytes(2) + packet


async def receive(reader):
    async with asyncio.timeout(5):
        return read(await reader.readexactly(int.from_bytes(await reader.readexactly(2))))


async def closed(reader):
    async with asyncio.timeout(5):
        try:
            return await reader.read() == b""
        except ConnectionResetError:
            return True


async def all_left(listener):
    if listener.connections:
        await asyncio.wait(listener._tasks, timeout=5)
    assert listener.connections == 0


async def test_several_queries_on_one_connection_are_answered(listening, connect):
    _, address = await listening()
    reader, writer = await connect(address)
    for id_ in range(3):
        writer.write(framed(query("www.good.example", id_=id_)))
        assert (await receive(reader)).id == id_


async def test_the_listener_serves_ipv6(listening, connect):
    _, address = await listening("::1")
    reader, writer = await connect(address)
    writer.write(framed(query("www.good.example")))
    assert (await receive(reader)).data == ["192.0.2.1"]


async def test_pipelined_queries_are_answered_as_each_is_ready(listening, connect, upstream, engine):
    engine.listed["bad.example"] = blocked()
    _, address = await listening()
    reader, writer = await connect(address)
    upstream.held.clear()
    writer.write(framed(query("www.good.example", id_=1)) + framed(query("bad.example", id_=2)))
    assert (await receive(reader)).id == 2
    upstream.held.set()
    assert (await receive(reader)).id == 1


async def test_a_query_in_single_bytes_is_put_together(listening, connect):
    _, address = await listening()
    reader, writer = await connect(address)
    for byte in framed(query("www.good.example")):
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await receive(reader)).data == ["192.0.2.1"]


async def test_a_client_that_has_said_all_still_gets_its_answers(listening, connect, upstream):
    _, address = await listening()
    reader, writer = await connect(address)
    upstream.held.clear()
    writer.write(framed(query("www.good.example")))
    writer.write_eof()
    await upstream.received.wait()
    upstream.held.set()
    assert (await receive(reader)).data == ["192.0.2.1"]
    assert await closed(reader)


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\x00\x40half a message"])
async def test_an_idle_connection_is_closed(listening, connect, sent):
    _, address = await listening(idle_s=0.05)
    reader, writer = await connect(address)
    writer.write(sent)
    assert await closed(reader)


async def test_a_message_too_short_for_a_header_ends_the_connection(listening, connect):
    _, address = await listening()
    reader, writer = await connect(address)
    writer.write(framed(b"tiny"))
    assert await closed(reader)


async def test_a_malformed_query_gets_a_format_error_and_the_connection_goes_on(listening, connect):
    _, address = await listening()
    reader, writer = await connect(address)
    writer.write(framed(query("good.example")[:-1]))
    assert (await receive(reader)).rcode == 1
    writer.write(framed(query("www.good.example")))
    assert (await receive(reader)).rcode == 0


@pytest.mark.parametrize("limit", ["max_connections", "max_per_client"])
async def test_connections_beyond_the_limit_are_closed_and_room_comes_back(
    listening, connect, limit, counted
):
    listener, address = await listening(**{limit: 1})
    first_reader, first_writer = await connect(address)
    first_writer.write(framed(query("www.good.example")))
    await receive(first_reader)
    reader, _ = await connect(address)
    assert await closed(reader)
    assert counted("dns_events", event="connection_limit") == 1
    first_writer.close()
    await all_left(listener)
    reader, writer = await connect(address)
    writer.write(framed(query("www.good.example")))
    assert (await receive(reader)).rcode == 0


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(listening, connect, upstream):
    listener, address = await listening()
    _, writer = await connect(address)
    upstream.held.clear()
    writer.write(framed(query("www.good.example")))
    await upstream.received.wait()
    writer.transport.abort()
    upstream.held.set()
    await all_left(listener)


async def test_stopping_finishes_what_was_asked(listening, connect, upstream):
    listener, address = await listening()
    reader, writer = await connect(address)
    upstream.held.clear()
    writer.write(framed(query("www.good.example")))
    await upstream.received.wait()
    stopping = asyncio.ensure_future(listener.stop(5.0))
    await asyncio.sleep(0)
    upstream.held.set()
    assert (await receive(reader)).data == ["192.0.2.1"]
    await stopping
    assert listener.connections == 0
