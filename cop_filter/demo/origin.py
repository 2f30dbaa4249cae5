"""The site that people want to reach, over HTTP and HTTPS; it remembers what it was asked for."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

MARK = b"This came from the origin."


class Asked(NamedTuple):
    """One request as it arrived: `host` without its port, `path` as it was spelled."""

    host: str
    path: str


class Origin:
    """Answers every host, path and method with the same small page."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.http_port = 0
        self.https_port = 0

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext) -> AsyncIterator["Origin"]:
        """Serve on two free ports of loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            plain, secure = (
                web.TCPSite(runner, "127.0.0.1", 0),
                web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls),
            )
            await plain.start()
            await secure.start()
            self.http_port, self.https_port = (address[1] for address in runner.addresses)
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(Asked(request.host.partition(":")[0].rstrip(".").lower(), request.raw_path))
        return web.Response(body=MARK + b"\n", content_type="text/plain")
