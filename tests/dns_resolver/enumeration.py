"""Somebody who asks a resolver a dictionary through, over real sockets, and what that teaches."""

import asyncio
import socket
import struct
from contextlib import contextmanager

from dns_asking import query


@contextmanager
def client_at(host="127.0.0.1"):
    """A UDP socket with an address of its own."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((host, 0))
        yield sock


async def over_udp(sock, packet, address):
    """The answer to one packet."""
    sock.sendto(packet, tuple(address))
    return await received(sock)


async def received(sock):
    """The next packet."""
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(sock, 4096)


async def over_tcp(packet, address):
    """The same on a connection of its own."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(struct.pack("!H", len(packet)) + packet)
    async with asyncio.timeout(5):
        size = int.from_bytes(await reader.readexactly(2))
        answer = await reader.readexactly(size)
    writer.close()
    await writer.wait_closed()
    return answer


def said(packet, name):
    """All that an answer says, but for the name that it repeats: what else could tell names apart."""
    return packet.replace(query(name)[12:-4], b"")


class Enumerator:
    """Asks each name, and right before it one that is certainly not listed.

    `learned` are the names whose answers differ from what the unlisted one gets: so a refusal that would
    begin with a listed name's own question teaches too. `refused` counts plain refusals.
    """

    def __init__(self, ask):
        self._ask = ask
        self._unlisted = 0
        self.learned = set()
        self.refused = 0

    async def ask(self, name):
        """Ask one name."""
        # As long as the name: the answer's length must not be taken for a difference.
        self._unlisted += 1
        control = f"{self._unlisted:0{len(name.partition('.')[0])}d}.{name.partition('.')[2]}"
        expected = said(await self._ask(query(control, edns=True)), control)
        answer = said(await self._ask(query(name, edns=True)), name)
        self.refused += answer[3] & 0x0F == 5
        if answer != expected:
            self.learned.add(name)
        return answer
