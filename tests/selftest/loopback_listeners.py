"""A resolver and a proxy on loopback that answer each name as a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from cop_filter.config import Address

PAGE = IPv4Address("192.0.2.80")

Reply = Callable[[dns.message.Message], dns.message.Message]


def reply(
    query: dns.message.Message, *, rcode: int = 0, address: str | None = None, ede: tuple[int, ...] = ()
) -> dns.message.Message:
    """An answer to a query: a response code, at most one address, and Extended DNS Errors."""
    answer = dns.message.make_response(query, recursion_available=True)
    answer.set_rcode(dns.rcode.Rcode(rcode))
    if address is not None:
        kind = "AAAA" if ":" in address else "A"
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 30, "IN", kind, address))
    answer.use_edns(0, options=[dns.edns.EDEOption(code) for code in ede])
    return answer


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Reply | None) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._answer is not None:
            self._transport.sendto(self._answer(dns.message.from_wire(data)).to_wire(), addr)


@asynccontextmanager
async def resolver(answer: Reply | None) -> AsyncIterator[Address]:
    """Over UDP and TCP, on one port; None never answers."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = int.from_bytes(await reader.readexactly(2))
        query = dns.message.from_wire(await reader.readexactly(length))
        if answer is not None:
            wire = answer(query).to_wire()
            writer.write(len(wire).to_bytes(2) + wire)
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(answer), local_addr=("127.0.0.1", port)
    )
    try:
        yield Address("127.0.0.1", port)
    finally:
        transport.close()
        server.close()


@asynccontextmanager
async def proxy(status_of: Callable[[str], int | str]) -> AsyncIterator[Address]:
    """Answers each request line with a status, or with the words given in its place."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        said = status_of(head.decode().split("\r\n")[0])
        line = f"HTTP/1.1 {said} Some Reason\r\n\r\n" if isinstance(said, int) else said
        writer.write(line.encode())
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
