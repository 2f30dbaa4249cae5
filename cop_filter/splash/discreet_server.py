"""aiohttp's HTTP server, without what it says about people and with a bound on how many it serves.

By itself it logs the client's address, quotes a broken request in its answer, and keeps as many
connections as there are descriptors.
"""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

MAX_REQUEST_LINE_BYTES = 64 * 1024
"""Browsers send URLs this long, and their owners shall meet the page too."""
MAX_HEADER_BYTES = 16 * 1024
KEEPALIVE_S = 15.0
LINGER_S = 2.0
"""How long an upload is thrown away before closing, which would cut off the page (RFC 9112 §9.6)."""

_MOST_CONNECTIONS = 4096
_SHED_EVERY_S = 1.0

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(web.RequestHandler):
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  it quotes the request
    ) -> web.StreamResponse:
        """The status and no more."""
        super().handle_error(request, status, exc)  # raises where it is too late for an answer
        text = f"{status} {HTTPStatus(status).phrase}\n"
        answer = web.Response(status=status, text=text, headers={"Cache-Control": "no-store"})
        answer.force_close()
        return answer


class DiscreetServer(web.Server):
    """Serves `handler`; to be run by `web.ServerRunner`."""

    def __init__(self, handler: Handler) -> None:
        silent = logging.getLogger("cop_filter.splash.silent")
        silent.disabled = True
        super().__init__(
            handler,
            access_log=None,
            logger=silent,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            max_line_size=MAX_REQUEST_LINE_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )

    def __call__(self) -> web.RequestHandler:
        """A new connection's protocol."""
        return _Connection(self, loop=self._loop, **self._kwargs)

    def shed(self, most: int) -> None:
        """Close the oldest connections above `most`: who comes anew shall meet the page."""
        for connection in self.connections[:-most]:
            connection.force_close()

    async def keep_bounded(self) -> None:
        """Shed now and then, until cancelled."""
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if descriptors == resource.RLIM_INFINITY:
            descriptors = _MOST_CONNECTIONS * 2
        while True:
            # The generations need descriptors too.
            self.shed(min(_MOST_CONNECTIONS, descriptors * 3 // 4))
            await asyncio.sleep(_SHED_EVERY_S)
