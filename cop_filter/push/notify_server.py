"""Listens for DNS NOTIFY (RFC 1996) over UDP and TCP, within bounds that no flood gets past."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import cast

from cop_filter.events import Events
from cop_filter.push.notify import NotifyDesk
from cop_filter.push.ports import Ports
from cop_filter.push.wakers import Wakers

_MOST_PER_S = 100
_MOST_CONNECTIONS = 32
_MOST_TCP_BYTES = 4096
_IDLE_S = 5.0

Answer = Callable[[bytes, str], Awaitable[bytes | None]]
"""Message and sender's address -> what to send back."""


class NotifyCounter:
    """Takes each message to the desk, unless there are too many of them, and wakes the lists."""

    def __init__(
        self, desk: NotifyDesk, wakers: Wakers, events: Events, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._wakers = wakers
        self._events = events
        self._clock = clock
        self._second = 0
        self._taken = 0

    async def answer(self, wire: bytes, sender: str) -> bytes | None:
        """What to send back to `sender`; None: nothing."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        if self._taken > _MOST_PER_S:
            self._events.pushed("notify", "limited")
            return None
        heard = await asyncio.to_thread(self._desk.hear, wire, sender)
        for list_id in heard.lists:
            self._wakers.wake(list_id)
        self._events.pushed("notify", heard.result)
        return heard.answer


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked for with isinstance: before Python 3.12 none of asyncio's own is one.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._reply(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reply(self, data: bytes, addr: tuple[str, int]) -> None:
        said = await self._answer(data, addr[0])
        if said is not None and self._transport is not None:
            self._transport.sendto(said, addr)


class _Streams:
    """Messages over TCP, one after the other (RFC 7766)."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._one_more(writer) as may:
            if not may:
                return
            # Also whoever sends half a message and waits has to go.
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                sender = str(writer.get_extra_info("peername")[0])
                while wire := await self._message(reader):
                    said = await self._answer(wire, sender)
                    if said is None:
                        return
                    writer.write(struct.pack("!H", len(said)) + said)
                    async with asyncio.timeout(_IDLE_S):
                        await writer.drain()

    @contextlib.contextmanager
    def _one_more(self, writer: asyncio.StreamWriter) -> Iterator[bool]:
        self._open += 1
        try:
            yield self._open <= _MOST_CONNECTIONS
        finally:
            self._open -= 1
            writer.close()

    @staticmethod
    async def _message(reader: asyncio.StreamReader) -> bytes | None:
        async with asyncio.timeout(_IDLE_S):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            return await reader.readexactly(length) if length <= _MOST_TCP_BYTES else None


@contextlib.asynccontextmanager
async def listening(ports: Ports, answer: Answer) -> AsyncIterator[None]:
    """Answer on the ports until the block ends."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        for one in ports.notify_udp:
            transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer), sock=one)
            stack.callback(transport.close)
        for one in ports.notify_tcp:
            server = await asyncio.start_server(_Streams(answer).serve, sock=one)
            stack.callback(server.close)
        yield
