"""A list's server that misbehaves on command, written on bare sockets so that it can lie about HTTP.

`authority.answers[path]` (or `authority.default`) says what it does next; `authority.requests` is
what it was asked.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exchange:
    """One request, and the connection to misuse for its answer."""

    method: str
    target: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def client_leaves(self, within_s: float | None = None) -> bool:
        """Wait until the client has closed the connection; False when it has not after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                await self.reader.read()
        except TimeoutError:
            return False
        return True


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass
class Authority:
    url: str
    default: Behaviour
    answers: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[Exchange] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1)[:1] + line.split(": ", 1)[1:] for line in head[1:-2])
            exchange = Exchange(method, target, headers, reader, writer)
            self.requests.append(exchange)
            async with self.arrived:
                self.arrived.notify_all()
            await self.answers.get(target, self.default)(exchange)
        writer.transport.abort() if writer.is_closing() else writer.close()

    async def asked(self, times: int, target: str | None = None) -> None:
        """Wait until `target` (or anything) was asked for `times` times."""
        async with self.arrived:
            await self.arrived.wait_for(
                lambda: sum(target in (None, one.target) for one in self.requests) >= times
            )


@contextlib.asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[Authority]:
    """An authority on a free loopback port; whoever hangs on it at the end is let go."""
    handlers: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(authority.handle(reader, writer))
        handlers.add(task)
        task.add_done_callback(handlers.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    authority = Authority(f"{'https' if tls else 'http'}://127.0.0.1:{port}", status(404))
    try:
        yield authority
    finally:
        server.close()
        for task in list(handlers):
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


def head(code: int = 200, **headers: object) -> bytes:
    lines = [f"HTTP/1.1 {code} Whatever", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(*pieces: bytes) -> Behaviour:
    """Exactly these bytes, then the connection is closed."""

    async def answer(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)

    return answer


def serve(body: bytes, **headers: object) -> Behaviour:
    return raw(head(**{"Content_Type": "text/plain", "Content_Length": len(body), **headers}), body)


def status(code: int, body: bytes = b"", **headers: object) -> Behaviour:
    return raw(head(code, **{"Content_Length": len(body), **headers}), body)


def redirect(location: str, code: int = 302) -> Behaviour:
    return status(code, Location=location)


def unless_modified(body: bytes, etag: str, modified: str = "Tue, 01 Jul 2025 00:00:00 GMT") -> Behaviour:
    """304 for whoever has the ETag or the date, else the body with both."""

    async def answer(exchange: Exchange) -> None:
        known = exchange.headers.get("if-none-match") == etag
        known |= (
            "if-none-match" not in exchange.headers and exchange.headers.get("if-modified-since") == modified
        )
        await (status(304) if known else serve(body, ETag=etag, Last_Modified=modified))(exchange)

    return answer


def only_with(header: str, value: str, body: bytes) -> Behaviour:
    async def answer(exchange: Exchange) -> None:
        await (serve(body) if exchange.headers.get(header) == value else status(401))(exchange)

    return answer


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each request; the last one stays."""
    left = list(behaviours)

    async def answer(exchange: Exchange) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(exchange)

    return answer


async def hang(exchange: Exchange) -> None:
    """Takes the request and never says a word."""
    await exchange.client_leaves()


async def stall(exchange: Exchange) -> None:
    """Sends a good beginning, then nothing more."""
    await exchange.send(head(Content_Length=1000) + b"one.example\n")
    await exchange.client_leaves()


async def drip(exchange: Exchange) -> None:
    """Slow loris: always a byte more, never done."""
    await exchange.send(head(Content_Length=1_000_000))
    while not await exchange.client_leaves(within_s=0.02):
        await exchange.send(b"a")


async def endless(exchange: Exchange) -> None:
    """Never stops sending, and gives no length."""
    await exchange.send(head(Transfer_Encoding="chunked"))
    chunk = b"10000\r\n" + b"a.example\n" * 6553 + b"123456" + b"\r\n"
    while True:
        await exchange.send(chunk)


def cut_off(body: bytes, **headers: object) -> Behaviour:
    """Promises more than it sends."""
    return raw(head(Content_Length=len(body) + 100, **headers), body)
