"""A name server that transfers a zone, well or as badly as it is told, on a loopback port.

`server.answers[type]` says what it does with the next question of that type; `server.asked` is what it was
asked, as words: "SOA", "IXFR 7", "AXFR".
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig

ZONE = "rpz.test."
SECRET = b"0123456789abcdef0123456789abcdef"
KEY = dns.tsig.Key("key.authority.example.", SECRET, "hmac-sha256")


def soa(serial: int, zone: str = ZONE) -> dns.rrset.RRset:
    data = f"ns.authority.example. root.authority.example. {serial} 3600 600 86400 300"
    return dns.rrset.from_text(zone, 60, "IN", "SOA", data)


def lists(*names: str, zone: str = ZONE) -> list[dns.rrset.RRset]:
    return [record(f"{name}.{zone}", "CNAME", ".") for name in names]


def record(owner: str, type_: str, data: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 60, "IN", type_, data)


def whole(serial: int, *names: str) -> list[dns.rrset.RRset]:
    ns = record(ZONE, "NS", "ns.authority.example.")
    return [soa(serial), ns, *lists(*names), soa(serial)]


@dataclass
class Question:
    """One question, and the connection to misuse for its answer."""

    message: dns.message.Message
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, wire: bytes) -> None:
        self.writer.write(struct.pack("!H", len(wire)) + wire)
        await self.writer.drain()


Behaviour = Callable[[Question], Awaitable[None]]


def messages(
    question: dns.message.Message,
    records: Iterable[dns.rrset.RRset],
    *,
    per_message: int = 3,
    key: dns.tsig.Key | None = None,
    sign_every: int = 1,
) -> list[bytes]:
    """The answer in messages of a few records each; only every so many-th of them is signed, and the last."""
    records = list(records)
    parts = [records[at : at + per_message] for at in range(0, len(records), per_message)]
    wires: list[bytes] = []
    context = None
    for place, part in enumerate(parts):
        answer = dns.message.make_response(question)
        answer.tsig = None
        answer.answer = list(part)
        if key is None or (place % sign_every and place < len(parts) - 1):
            wires.append(answer.to_wire(max_size=65535))
            if context is not None:
                context.update(wires[-1])
            continue
        answer.use_tsig(key, original_id=question.id)
        answer.request_mac = question.mac or b""
        wires.append(answer.to_wire(max_size=65535, multi=True, tsig_ctx=context))
        context = answer.tsig_ctx
    return wires


def says(*records: dns.rrset.RRset, key: dns.tsig.Key | None = None, **how: int) -> Behaviour:
    """Exactly these records."""

    async def answer(question: Question) -> None:
        for wire in messages(question.message, records, key=key, **how):
            await question.send(wire)

    return answer


def refuses(rcode: dns.rcode.Rcode) -> Behaviour:
    async def answer(question: Question) -> None:
        said = dns.message.make_response(question.message)
        said.tsig = None
        said.set_rcode(rcode)
        await question.send(said.to_wire())

    return answer


async def leaves(question: Question) -> None:
    question.writer.close()


async def hangs(question: Question) -> None:
    await question.reader.read()


def then(first: Behaviour, second: Behaviour) -> Behaviour:
    """One after the other, in one answer."""

    async def answer(question: Question) -> None:
        await first(question)
        await second(question)

    return answer


async def endless(question: Question) -> None:
    """A good beginning, and names for ever."""
    await says(soa(9))(question)
    wire = messages(question.message, lists(*(f"n{n}.example" for n in range(500))), per_message=500)[0]
    while True:
        await question.send(wire)


async def drip(question: Question) -> None:
    """A zone, one record at a time, that takes until doomsday."""
    await says(soa(9))(question)
    wire = messages(question.message, lists("slow.example"))[0]
    while not question.reader.at_eof():
        await question.send(wire)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(question.reader.read(), 0.02)


@dataclass
class ZoneServer:
    port: int = 0
    key: dns.tsig.Key | None = None
    answers: dict[str, Behaviour] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        return f"axfr://127.0.0.1:{self.port}/{ZONE.rstrip('.')}"

    def serve(self, serial: int, *names: str) -> None:
        """Have the zone at this serial, without its history."""
        self.answers["SOA"] = says(soa(serial), key=self.key)
        self.answers["AXFR"] = self.answers["IXFR"] = says(*whole(serial, *names), key=self.key)

    def change(
        self, base: int, serial: int, gone: list[dns.rrset.RRset], come: list[dns.rrset.RRset]
    ) -> None:
        """Have a newer zone, and the way to it."""
        self.answers["SOA"] = says(soa(serial), key=self.key)
        steps = (soa(serial), soa(base), *gone, soa(serial), *come, soa(serial))
        self.answers["IXFR"] = says(*steps, key=self.key)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keyring = {KEY.name: KEY}
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                message = dns.message.from_wire(await reader.readexactly(length), keyring=keyring)
                type_ = dns.rdatatype.to_text(message.question[0].rdtype)
                serial = f" {message.authority[0][0].serial}" if message.authority else ""
                self.asked.append(type_ + serial)
                await self.answers.get(type_, refuses(dns.rcode.NOTIMP))(Question(message, reader, writer))
        writer.close()


@contextlib.asynccontextmanager
async def zone_server(key: dns.tsig.Key | None = None) -> AsyncIterator[ZoneServer]:
    """A server on a free loopback port; whoever hangs on it at the end is let go."""
    handlers: set[asyncio.Task[None]] = set()
    zone = ZoneServer(key=key)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(zone.handle(reader, writer))
        handlers.add(task)
        task.add_done_callback(handlers.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    zone.port = server.sockets[0].getsockname()[1]
    try:
        yield zone
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
