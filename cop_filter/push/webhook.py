"""`POST /lists/ID` with the token: 202, and the list is fetched. Bodies are not looked at.

Without the right token every answer is 401, so that nobody learns which lists there are. Nothing is logged
about who asks.
"""

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import unquote

from aiohttp import web

from cop_filter.errors import ConfigError
from cop_filter.events import Events
from cop_filter.push import token
from cop_filter.push.wakers import Wakers

_log = logging.getLogger(__name__)

_PREFIX = "/lists/"
_LINGER_S = 1.0
"""How long a body is thrown away before closing, which would cut off the answer (RFC 9112 §9.6)."""
_MOST_CONNECTIONS = 64
_MAX_HEADER_BYTES = 8192


class _BoundedServer(web.Server):
    def __call__(self) -> web.RequestHandler:
        """A new connection's protocol; those who have been silent the longest go."""
        for connection in self.connections[:-_MOST_CONNECTIONS]:
            connection.force_close()
        return super().__call__()


class Webhook:
    """The handler of `server`. `read_token` blocks and raises ConfigError."""

    def __init__(self, wakers: Wakers, events: Events, read_token: Callable[[], bytes]) -> None:
        self._wakers = wakers
        self._events = events
        self._read_token = read_token
        silent = logging.getLogger(f"{__name__}.silent")
        silent.disabled = True
        self.server = _BoundedServer(
            self._answer,
            access_log=None,
            logger=silent,
            keepalive_timeout=0,
            lingering_time=_LINGER_S,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
        )

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await self._decide(request)
        answer.headers["Cache-Control"] = "no-store"
        answer.force_close()
        return answer

    async def _decide(self, request: web.BaseRequest) -> web.Response:
        try:
            right = await asyncio.to_thread(self._read_token)
        except ConfigError as error:
            _log.error("no push can be accepted: %s", error)
            return web.Response(status=503)
        if not token.carries(request.headers.get("Authorization", ""), right):
            self._events.pushed("http", "denied")
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        list_id = unquote(request.path.removeprefix(_PREFIX))
        if not request.path.startswith(_PREFIX):
            list_id = ""
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if not self._wakers.wake(list_id):
            self._events.pushed("http", "unknown")
            return web.Response(status=404)
        self._events.pushed("http", "woken")
        return web.Response(status=202)
