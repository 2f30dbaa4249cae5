"""A resolver on loopback that answers what a test says, over UDP and TCP on one port."""

import asyncio
import contextlib
import socket

from dnslib import EDNS0, QTYPE, RR, DNSRecord

from cop_filter.config import Address


def zone(text):
    """An answer function: the records of a zone text whose owner and type fit (CNAMEs are followed)."""
    records = RR.fromZone(text)

    def answer(query):
        reply = query.reply(aa=0)
        name = query.q.qname
        for _ in range(8):
            found = [rr for rr in records if rr.rname == name and rr.rtype in (query.q.qtype, QTYPE.CNAME)]
            reply.add_answer(*found)
            aliases = [rr for rr in found if rr.rtype == QTYPE.CNAME]
            if not aliases or query.q.qtype == QTYPE.CNAME:
                break
            name = aliases[0].rdata.label
        if not reply.rr and not any(rr.rname == name for rr in records):
            reply.header.rcode = 3
        if not reply.rr:
            reply.add_auth(*RR.fromZone("example. 60 SOA ns.example. host.example. 1 2 3 4 50"))
        return reply

    return answer


def with_edns(reply, **options):
    reply.add_ar(EDNS0(udp_len=1232, **options))
    return reply


class FakeUpstream:
    """`answer` maps a parsed query to a DNSRecord, to raw bytes, or to None for silence.

    `held` keeps every answer back until it is set; `asked` lists (name, type, transport).
    """

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.ports = []
        self.held = asyncio.Event()
        self.held.set()
        self.received = asyncio.Event()
        self._tasks = set()

    async def start(self, address=("127.0.0.1", 0)):
        loop = asyncio.get_running_loop()
        while True:
            self._server = await asyncio.start_server(self._connected, *address)
            self.address = Address(*self._server.sockets[0].getsockname()[:2])
            sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                sock.bind(self.address)
                break
            except OSError:
                sock.close()
                self._server.close()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=sock)
        return self

    async def stop(self):
        self._transport.close()
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work):
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def response(self, packet, transport):
        query = DNSRecord.parse(packet)
        self.asked.append((str(query.q.qname).rstrip("."), QTYPE[query.q.qtype], transport))
        self.received.set()
        answer = self.answer(query) if transport == "udp" else getattr(self, "tcp_answer", self.answer)(query)
        await self.held.wait()
        return bytes(answer.pack()) if isinstance(answer, DNSRecord) else answer

    async def _connected(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(2))
                response = await self.response(await reader.readexactly(size), "tcp")
                if response is not None:
                    writer.write(len(response).to_bytes(2) + response)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, upstream):
        self._upstream = upstream

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self._upstream.ports.append(addr[1])
        self._upstream.spawn(self._respond(data, addr))

    async def _respond(self, data, addr):
        response = await self._upstream.response(data, "udp")
        for packet in response if isinstance(response, list) else [response]:
            if packet is not None:
                self._transport.sendto(packet, addr)
