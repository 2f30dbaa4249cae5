"""The authority's server: it publishes the lists of a folder over HTTP, and breaks on command."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

from aiohttp import web

HOST = "lists.authority.example"


class Failure(StrEnum):
    """How a list's server can go wrong; the value says it in words."""

    ERROR = "answers 500"
    EMPTY = "sends an empty file"
    HTML = "sends a web page"
    TRUNCATED = "stops half-way"
    SHRUNK = "lost most of the list"
    HANG = "never answers"


class Authority:
    """Serves the files of `folder`, read afresh for each request; `failures` maps a file to its fault."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.failures: dict[str, Failure] = {}
        self.port = 0
        self._closing = asyncio.Event()

    def url(self, name: str) -> str:
        """Where the filter fetches a list; the host is a name, as it is in a network."""
        return f"http://{HOST}:{self.port}/{name}"

    def publish(self, name: str, body: bytes) -> None:
        """Put a list in place, or a new version of it, in one step."""
        aside = self.folder / f".{name}.new"
        aside.write_bytes(body)
        aside.replace(self.folder / name)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Authority"]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_get("/{name}", self._answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.port = runner.addresses[0][1]
            yield self
        finally:
            self._closing.set()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = self.folder / name
        if name.startswith(".") or not path.is_file():
            return web.Response(status=404)
        body = path.read_bytes()
        match self.failures.get(name):
            case Failure.ERROR:
                return web.Response(status=500, text="Internal Server Error\n")
            case Failure.EMPTY:
                return web.Response(body=b"", content_type="text/plain")
            case Failure.HTML:
                page = "<!doctype html><title>Sign in</title><p>Please sign in to this network.</p>\n"
                return web.Response(text=page, content_type="text/html")
            case Failure.TRUNCATED:
                return await _cut_off(request, body)
            case Failure.SHRUNK:
                body = b"".join(body.splitlines(keepends=True)[:_FEW_LINES])
            case Failure.HANG:
                await self._closing.wait()
        return _whole(request, body)


_FEW_LINES = 4


def _whole(request: web.Request, body: bytes) -> web.Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={"ETag": etag})
    return web.Response(body=body, content_type="application/octet-stream", headers={"ETag": etag})


async def _cut_off(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
