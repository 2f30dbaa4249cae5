"""Queries over UDP."""

import asyncio
import socket
import struct
from typing import Protocol

from cop_filter.events import Events
from dns_resolver.resolver import Pending

_BATCH = 64
"""Datagrams taken in one turn of the event loop; more would starve the upstream answers."""
_MAX_LAST_BATCHES = 256
"""At a stop, more than a receive buffer holds: what comes after was sent too late."""
_MAX_QUERY_BYTES = 4096
_MAX_PENDING = 4096

# Linux's numbers; the socket module names them only partly.
_IP_PKTINFO = 8
_ANCILLARY_BYTES = 64

Control = list[tuple[int, int, bytes]]


class Serves(Protocol):
    """`resolver.Resolver`, or a test's stand-in."""

    def begin(self, packet: bytes, client: str, *, stream: bool = False) -> bytes | Pending | None: ...

    async def finish(self, pending: Pending) -> bytes: ...

    def servfail(self, pending: Pending) -> bytes: ...


class UdpListener:
    """Answers what comes in on one bound, non-blocking socket."""

    def __init__(
        self, sock: socket.socket, resolver: Serves, events: Events, *, max_pending: int = _MAX_PENDING
    ) -> None:
        self._sock = sock
        self._resolver = resolver
        self._events = events
        self._max_pending = max_pending
        self._tasks: set[asyncio.Task[None]] = set()
        self._wants_source = _ask_for_destination(sock)

    @property
    def pending(self) -> int:
        """How many queries wait for an upstream."""
        return len(self._tasks)

    def start(self) -> None:
        """Begin to answer."""
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._readable)

    async def stop(self, grace_s: float) -> None:
        """Answer what has arrived, wait for the upstreams at most `grace_s`, close."""
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        for _ in range(_MAX_LAST_BATCHES):
            if not self._readable():
                break
            await asyncio.sleep(0)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._sock.close()

    def _readable(self) -> bool:
        """Take a batch; True when there may be more."""
        for _ in range(_BATCH):
            try:
                packet, control, client = self._receive()
            except OSError:
                return False  # drained; or an error of the socket, which the next read meets again
            self._answer(packet, control, client)
        return True

    def _receive(self) -> tuple[bytes, Control, tuple[str, int]]:
        if not self._wants_source:
            packet, client = self._sock.recvfrom(_MAX_QUERY_BYTES)
            return packet, [], client
        packet, ancillary, _, client = self._sock.recvmsg(_MAX_QUERY_BYTES, _ANCILLARY_BYTES)
        return packet, _source_control(ancillary), client

    def _answer(self, packet: bytes, control: Control, client: tuple[str, int]) -> None:
        answer = self._resolver.begin(packet, client[0])
        if isinstance(answer, Pending):
            if len(self._tasks) >= self._max_pending:
                self._events.dns("overload")
                self._send(self._resolver.servfail(answer), control, client)
                return
            task = asyncio.get_running_loop().create_task(self._finish(answer, control, client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif answer is not None:
            self._send(answer, control, client)

    async def _finish(self, pending: Pending, control: Control, client: tuple[str, int]) -> None:
        self._send(await self._resolver.finish(pending), control, client)

    def _send(self, answer: bytes, control: Control, client: tuple[str, int]) -> None:
        try:
            if control:
                self._sock.sendmsg([answer], control, 0, client)
            else:
                self._sock.sendto(answer, client)
        except OSError:
            self._events.dns("not_sent")  # full buffer or no route: as lost as any datagram may be


def _ask_for_destination(sock: socket.socket) -> bool:
    """On a wildcard address, ask to be told where each query was sent: the answer must come from there."""
    host = sock.getsockname()[0]
    if host == "0.0.0.0":
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        return True
    if host == "::":
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        return True
    return False


def _source_control(ancillary: Control) -> Control:
    """The control message that sends from the address the query was sent to (RFC 3542 §6.2, ip(7))."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(data) >= 12:
            _, local, _ = struct.unpack_from("=I4s4s", data)
            return [(level, kind, struct.pack("=I4s4s", 0, local, local))]
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return [(level, kind, data)]
    return []
