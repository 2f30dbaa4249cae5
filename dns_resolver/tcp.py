"""Queries over TCP (RFC 7766): several on a connection, answered as soon as each is ready."""

import asyncio
import socket
from collections import Counter
from typing import Protocol

from cop_filter.events import Events
from dns_resolver.resolver import Pending
from dns_resolver.wire import HEADER_BYTES

_MAX_PIPELINED = 64
"""Queries of one connection that may wait for an upstream; then its next ones wait in its buffer."""


class Serves(Protocol):
    """`resolver.Resolver`, or a test's stand-in."""

    def begin(self, packet: bytes, client: str, *, stream: bool = False) -> bytes | Pending | None: ...

    async def finish(self, pending: Pending) -> bytes: ...

    def servfail(self, pending: Pending) -> bytes: ...


class TcpListener:
    """Answers connections on one bound socket.

    At `max_connections`, and at `max_per_client` of one address, new ones are closed at once, so that no
    client takes the service from the others. Addresses are counted while connected, then forgotten.
    """

    def __init__(
        self,
        sock: socket.socket,
        resolver: Serves,
        events: Events,
        *,
        idle_s: float = 10.0,
        max_connections: int = 1000,
        max_per_client: int = 100,
    ) -> None:
        self._sock = sock
        self._resolver = resolver
        self._events = events
        self._idle_s = idle_s
        self._max_connections = max_connections
        self._max_per_client = max_per_client
        self._by_client: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many connections are being served."""
        return len(self._tasks)

    async def start(self) -> None:
        """Begin to accept."""
        self._server = await asyncio.start_server(self._accepted, sock=self._sock, backlog=512)

    async def stop(self, grace_s: float) -> None:
        """Accept and read no more, finish what was asked within `grace_s`, close."""
        if self._server is not None:
            self._server.close()
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if peer is None:  # gone before it was accepted
            writer.transport.abort()
            return
        client = peer[0]
        if len(self._tasks) >= self._max_connections or self._by_client[client] >= self._max_per_client:
            self._events.dns("connection_limit")
            writer.transport.abort()
            return
        self._by_client[client] += 1
        connection = _Connection(
            reader=reader,
            writer=writer,
            client=client,
            resolver=self._resolver,
            idle_s=self._idle_s,
            stopping=self._stopping,
        )
        task = asyncio.get_running_loop().create_task(connection.serve())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._left(done, client))

    def _left(self, task: asyncio.Task[None], client: str) -> None:
        self._tasks.discard(task)
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]
        if not task.cancelled() and task.exception() is not None:
            self._events.dns("connection_fault")


class _Connection:
    def __init__(
        self,
        *,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        client: str,
        resolver: Serves,
        idle_s: float,
        stopping: asyncio.Event,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._client = client
        self._resolver = resolver
        self._idle_s = idle_s
        self._stopping = stopping
        self._slots = asyncio.Semaphore(_MAX_PIPELINED)
        self._finishing: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Read until the client is done, idle for too long or hostile; then let the answers leave."""
        try:
            reading = asyncio.ensure_future(self._read_queries())
            stopping = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait({reading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                stopping.cancel()
                await asyncio.gather(reading, stopping, return_exceptions=True)
            if self._finishing:
                await asyncio.wait(self._finishing)
            async with asyncio.timeout(self._idle_s):
                await self._writer.drain()
                self._writer.close()
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass  # the client went away or does not read: there is nobody left to tell
        finally:
            for task in self._finishing:
                task.cancel()
            self._writer.transport.abort()

    async def _read_queries(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    size = int.from_bytes(await self._reader.readexactly(2))
                    packet = await self._reader.readexactly(size)
                    await self._slots.acquire()
                    await self._writer.drain()
            except (TimeoutError, asyncio.IncompleteReadError, OSError):
                return
            if size < HEADER_BYTES:
                return  # this stream is out of step, or is no DNS
            answer = self._resolver.begin(packet, self._client, stream=True)
            if isinstance(answer, Pending):
                task = asyncio.get_running_loop().create_task(self._finish(answer))
                self._finishing.add(task)
                task.add_done_callback(self._finished)
            else:
                self._slots.release()
                if answer is not None:
                    self._write(answer)

    async def _finish(self, pending: Pending) -> None:
        self._write(await self._resolver.finish(pending))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._finishing.discard(task)
        self._slots.release()

    def _write(self, answer: bytes) -> None:
        # Length and message in one write (RFC 7766 §8).
        self._writer.write(len(answer).to_bytes(2) + answer)
