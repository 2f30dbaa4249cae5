"""The peer of the DNS benchmark: the least that asyncio, dnslib and a set make of a filtering resolver.

It reads every packet, looks every suffix up, and answers from two fixed answers; it has no cache, no
EDNS, no access list, no counters and no upstream.
"""

import argparse
import asyncio
from pathlib import Path
from typing import cast

from dnslib import QTYPE, RR, A, DNSError, DNSRecord


class Peer(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(self, listed: set[str]) -> None:
        self._listed = listed
        self._splash = A("192.0.2.80")
        self._other = A("192.0.2.1")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        # Cast, not checked: before Python 3.12 asyncio's own transport does not inherit from this class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query."""
        try:
            query = DNSRecord.parse(data)
        except DNSError:
            return
        name = str(query.q.qname).rstrip(".").lower()
        stopped = False
        while name and not stopped:
            stopped = name in self._listed
            name = name.partition(".")[2]
        reply = query.reply(aa=0)
        reply.add_answer(RR(query.q.qname, QTYPE.A, ttl=30, rdata=self._splash if stopped else self._other))
        self._transport.sendto(reply.pack(), addr)


async def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--names", type=Path, required=True)
    arguments = parser.parse_args()
    listed = set(arguments.names.read_text(encoding="utf-8").split())
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Peer(listed), local_addr=("127.0.0.1", arguments.port))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
