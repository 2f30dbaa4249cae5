"""A load for HTTP proxies: an origin at the least cost, and clients that check every answer."""

import asyncio
import itertools
import multiprocessing
import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_BODY = b"x" * 2048
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2048\r\n\r\n" + _BODY
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Load(NamedTuple):
    """What was asked, and what came of it."""

    requests_per_s: float
    median_ms: float
    p99_ms: float
    requests: int


class Origin:
    """Answers every request with the same 2 KiB page, in a process of its own."""

    def __init__(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = listener.getsockname()[1]
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=_serve, args=(listener,), daemon=True)
        self._process.start()
        listener.close()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


class _Page(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        if heads and isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(_ANSWER * len(heads))


def _serve(listener: socket.socket) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Page, sock=listener)
        await server.serve_forever()

    asyncio.run(serve())


def ask(port: int, urls: Sequence[str], status: int, *, connections: int, duration_s: float) -> Load:
    """Ask a proxy for the URLs in turn over lasting connections; every answer must have the status."""
    return asyncio.run(_ask(port, urls, status, connections, duration_s))


async def _ask(port: int, urls: Sequence[str], status: int, connections: int, duration_s: float) -> Load:
    requests = itertools.cycle([_request(url) for url in urls])
    expected = b"HTTP/1.1 %d " % status
    started = time.perf_counter()
    clients = [_client(port, requests, expected, started + duration_s) for _ in range(connections)]
    latencies = sorted(itertools.chain.from_iterable(await asyncio.gather(*clients)))
    elapsed = time.perf_counter() - started
    return Load(
        requests_per_s=len(latencies) / elapsed,
        median_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        requests=len(latencies),
    )


def _request(url: str) -> bytes:
    host = url.split("/")[2]
    return f"GET {url} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nAccept-Language: en\r\n\r\n".encode()


async def _client(port: int, requests: Iterator[bytes], expected: bytes, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies = []
    while (asked := time.perf_counter()) < until:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not head.startswith(expected) or found is None:
            raise RuntimeError(f"wrong answer: {head.partition(b' ')[2][:3]!r}")
        await reader.readexactly(int(found[1]))
        latencies.append(time.perf_counter() - asked)
    writer.close()
    return latencies
