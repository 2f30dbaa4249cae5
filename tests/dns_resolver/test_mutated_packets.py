"""100,000 damaged datagrams, and damaged streams, at a live server, which lives on."""

import asyncio
import contextlib
import random
import socket
import struct
from itertools import cycle, islice

import pytest
from dns_asking import query, read

from cop_filter import compiler
from cop_filter.config import Address, Config, ListConfig, OperatorConfig
from cop_filter.entries import parse_many
from cop_filter.loader import open_engine
from cop_filter.store import Store
from cop_filter.verdict import LegalBasis
from dns_resolver import listeners
from dns_resolver.tcp import TcpListener

SEED = 20_240_501
PACKETS = 100_000
WINDOW = 100
STREAMS = 1_500

NAMES = [
    "www.good.example",
    "bad.example",
    "A.b.C.bad.example",
    "x" * 63 + ".example",
    "",
    "xn--bcher-kva.example",
]
CORPUS = [
    query(name, qtype, edns=edns, do=do, payload=payload)
    for name in NAMES
    for qtype in ("A", "AAAA", "HTTPS", "ANY", "TXT")
    for edns, do, payload in ((False, False, 0), (True, False, 1232), (True, True, 65535))
]
ALIVE = query("alive.bad.example", id_=0xA11E)
LAST = query("alive.bad.example", qclass=3, id_=0xA11E)
"""Python's to answer, and so behind everything that was handed up before it."""


def mutated(rng):
    packet = bytearray(rng.choice(CORPUS))
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(packet)) if packet else 0
        match rng.randrange(8):
            case 0 if packet:
                packet[at] ^= 1 << rng.randrange(8)
            case 1 if packet:
                packet[at] = rng.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF))
            case 2:
                del packet[at:]
            case 3:
                packet[at:at] = rng.randbytes(rng.randrange(1, 40))
            case 4:
                del packet[at : at + rng.randrange(1, 12)]
            case 5:
                packet[at:] = rng.choice(CORPUS)[at:]
            case 6 if len(packet) >= 12:
                struct.pack_into("!H", packet, rng.randrange(2, 11), rng.choice((0, 1, 2, 255, 65535)))
            case 7:
                packet += rng.randbytes(rng.choice((1, 11, 500, 3000)))
    return bytes(packet)


class Upstream(asyncio.DatagramProtocol):
    """Says of every name that it does not exist, at the least cost."""

    def connection_made(self, transport):
        self.transport = transport
        self.address = Address(*transport.get_extra_info("sockname")[:2])

    def datagram_received(self, data, addr):
        question_end = data.index(b"\0\0\x29", 12)  # the OPT record that closes each of our queries
        self.transport.sendto(data[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + data[12:question_end], addr)


@pytest.fixture
async def upstream():
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Upstream, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


@pytest.fixture
def engine(tmp_path):
    config = Config(
        state_dir=tmp_path / "state",
        operator=OperatorConfig("Example Net", "officer", "https://isp.example", "https://hotline.example"),
        lists=(ListConfig("national", "file:/none", "Example Hotline", "csam", LegalBasis.ORDER),),
    )
    store = Store(config.state_dir)
    store.prepare()
    with compiler.draft(store, config) as draft:
        draft.replace("national", parse_many(["bad.example", "https://pages.example/1.html"]))
        draft.publish()
    return open_engine(store)


@pytest.fixture
async def server(resolver, events, listen):
    fast, address = listen()
    pair = listeners.bind(Address("127.0.0.2", 0), reuse_port=False)
    tcp = TcpListener(pair.tcp, resolver, events, idle_s=2.0)
    await tcp.start()
    yield address, pair.address, fast, tcp
    await tcp.stop(1)
    pair.close()


def client(host, address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind((host, 0))
    sock.connect(address)
    return sock


async def settled(*listeners_):
    for listener in listeners_:
        if listener._tasks:
            await asyncio.wait(listener._tasks, timeout=10)
        assert not listener._tasks


@pytest.mark.timeout(120)
async def test_100_000_mutated_datagrams_cost_the_server_nothing(server, counted, cache):
    address, _, fast, _ = server
    loop = asyncio.get_running_loop()
    rng = random.Random(SEED)
    tasks_before = len(asyncio.all_tasks())
    answered = 0
    with contextlib.ExitStack() as stack:
        # From many networks: one alone may not bring so many to Python.
        clients = cycle(
            [stack.enter_context(client(f"127.0.{number}.1", address)) for number in range(1, 33)]
        )
        for sock in islice(clients, PACKETS // WINDOW):
            sent = [mutated(rng) for _ in range(WINDOW)]
            for packet in sent:
                sock.send(packet)
            sock.send(LAST)
            while True:
                async with asyncio.timeout(10):
                    response = await loop.sock_recv(sock, 65_535)
                if response[:2] == LAST[:2] and response[12:] == LAST[12:]:
                    break
                answered += 1
                assert response[2] & 0x80, "only responses come back"
                assert len(response) <= 1232
    async with asyncio.timeout(9):  # less than the grace: nothing has to be given up
        await fast.stop(10)
    assert answered > PACKETS / 4, "else the corpus tests too little"
    assert counted("dns_events", event="malformed") > PACKETS / 10
    assert counted("dns_events", event="ignored") > PACKETS / 100
    assert counted("decision_faults", plane="dns") == 0
    assert cache.used_bytes <= 1 << 20
    assert len(asyncio.all_tasks()) == tasks_before


@pytest.mark.timeout(120)
async def test_mutated_streams_leave_no_connection_behind(server, counted):
    _, address, fast, tcp = server
    rng = random.Random(SEED)
    for _ in range(STREAMS // 25):
        await asyncio.gather(*(stream(address, rng) for _ in range(25)))
    await settled(fast, tcp)
    assert counted("decision_faults", plane="dns") == 0
    assert counted("dns_events", event="connection_fault") == 0
    reader, writer = await asyncio.open_connection(*address)
    writer.write(len(ALIVE).to_bytes(2) + ALIVE)
    response = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
    assert read(response).data == ["192.0.2.80"]
    writer.close()


async def stream(address, rng):
    """One connection: framed queries, some mutated, some frames lying about their length, cut at will."""
    sent = bytearray()
    for _ in range(rng.randrange(1, 8)):
        packet = mutated(rng) if rng.random() < 0.7 else rng.choice(CORPUS)
        length = len(packet) if rng.random() < 0.9 else rng.randrange(65_536)
        sent += length.to_bytes(2) + packet
    reader, writer = await asyncio.open_connection(*address)
    try:
        for start in range(0, len(sent), 97):
            writer.write(sent[start : start + 97])
        if rng.random() < 0.2:
            writer.transport.abort()
            return
        writer.write_eof()
        async with asyncio.timeout(10):
            await reader.read()
    except (ConnectionError, BrokenPipeError):
        pass  # the server may close on a stream that is out of step
    finally:
        writer.transport.abort()
