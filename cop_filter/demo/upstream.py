"""The resolver that the filter forwards to: it knows one address, and remembers what it was asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from dnslib import CNAME, QTYPE, RR, SOA, A, DNSError, DNSRecord

REAL_ADDRESS = "127.0.0.1"
ALIAS, ALIAS_TARGET = "alias.example", "bad.example"
"""The one name that is an alias (CNAME) of another."""

_TTL_S = 60
_TIMES = (1, 3600, 1200, 604_800, _TTL_S)


class Upstream:
    """Says that every name has the address REAL_ADDRESS. `asked` holds names in lower case."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Upstream"]:
        """Serve over UDP on a free port of loopback."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), local_addr=("127.0.0.1", 0)
        )
        self.port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()

    def answer(self, packet: bytes) -> bytes | None:
        """The response to a query; None for what is no query."""
        try:
            query = DNSRecord.parse(packet)
        except DNSError:
            return None
        name = str(query.q.qname).rstrip(".").lower()
        self.asked.append(name)
        reply = query.reply(aa=0)
        if name == ALIAS:
            reply.add_answer(RR(ALIAS, QTYPE.CNAME, ttl=_TTL_S, rdata=CNAME(ALIAS_TARGET)))
        if query.q.qtype == QTYPE.A:
            owner = ALIAS_TARGET if name == ALIAS else query.q.qname
            reply.add_answer(RR(owner, QTYPE.A, ttl=_TTL_S, rdata=A(REAL_ADDRESS)))
        else:
            soa = SOA("ns.example", "nobody.invalid", _TIMES)
            reply.add_auth(RR("example", QTYPE.SOA, ttl=_TTL_S, rdata=soa))
        return bytes(reply.pack())


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Cast, not checked: before Python 3.12 asyncio's own transport does not inherit from this class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._upstream.answer(data)
        if response is not None:
            self._transport.sendto(response, addr)
