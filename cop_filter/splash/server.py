"""The splash server: where the resolver's splash address leads. Every request gets the page.

It never keeps a body, never logs a request, and has no other answer but /healthz.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from cop_filter.config import Config, SplashConfig
from cop_filter.errors import ConfigError, InvalidUrl
from cop_filter.events import Events
from cop_filter.loader import Watcher, open_engine
from cop_filter.splash.page import render
from cop_filter.verdict import Plane, Verdict

HEALTH_PATH = "/healthz"
MAX_REQUEST_LINE_BYTES = 64 * 1024
"""Browsers send URLs this long, and their owners shall meet the page too."""
MAX_HEADER_BYTES = 16 * 1024
KEEPALIVE_S = 15.0
LINGER_S = 2.0
"""How long an upload is thrown away before closing, which would cut off the page (RFC 9112 §9.6)."""

_PLANES = (Plane.DNS, Plane.HTTP, Plane.TLS)
"""Where a reader may come from, the likeliest first."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HostEngine(Protocol):
    """What the server needs of the engine."""

    @property
    def generation(self) -> int: ...

    def decide_host(self, name: str | bytes, plane: str = ...) -> Verdict: ...


def create_app(config: Config, engine: HostEngine, events: Events) -> web.Application:
    """The application; `events` counts faults only, for the resolver has already counted the decision."""

    # A middleware and no route: it sees every method and path, and those that no router understands.
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:  # noqa: ARG001  (aiohttp's form)
        verdict = _stopping_verdict(request, engine, events)
        if request.path == HEALTH_PATH and verdict is None:
            text = f"ok\ngeneration {engine.generation}\n"
            response = web.Response(text=text, headers={"Cache-Control": "no-store"})
        else:
            page = render(verdict, config.operator, request.headers.get("Accept-Language", ""))
            response = web.Response(status=page.status, headers=page.headers, body=page.body)
        if request.body_exists:
            response.force_close()  # the page is the answer to the head; an upload is not waited for
        return response

    return web.Application(middlewares=[answer])


def _stopping_verdict(request: web.Request, engine: HostEngine, events: Events) -> Verdict | None:
    """The verdict that brought the reader here, or None where the Host header tells of none."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1:
        return None
    try:
        verdicts = (engine.decide_host(hosts[0], plane=plane) for plane in _PLANES)
        return next((verdict for verdict in verdicts if verdict.stops), None)
    except InvalidUrl:
        return None
    except Exception:  # noqa: BLE001  (whatever goes wrong, the reader still gets the page)
        events.fault(Plane.HTTP)
        return None


def run(config: Config) -> None:
    """Serve the page until SIGTERM or SIGINT.

    Raises ConfigError without a [splash] table, StateError when the state folder cannot serve.
    """
    if config.splash is None:
        raise ConfigError(["splash: this role needs the [splash] table with `listen` and `addresses`"])
    asyncio.run(_serve(config, config.splash))


async def _serve(config: Config, splash: SplashConfig) -> None:
    events = Events()
    engine = open_engine(config.state_dir, on_fault=events.fault)
    watcher = Watcher(
        config.state_dir, engine, lambda swapped: events.generation("splash", swapped.generation)
    )
    events.generation("splash", engine.generation)
    runner = quiet_runner(create_app(config, engine, events))
    await runner.setup()
    watching = asyncio.create_task(watcher.run())
    try:
        await web.TCPSite(runner, splash.listen.host, splash.listen.port).start()
        await _stop_signal()
    finally:
        watching.cancel()
        await runner.cleanup()


def quiet_runner(app: web.Application) -> web.AppRunner:
    """A runner that writes nothing down: aiohttp's own logger names the client's address."""
    silent = logging.getLogger("cop_filter.splash.silent")
    silent.disabled = True
    return web.AppRunner(
        app,
        access_log=None,
        logger=silent,
        handle_signals=False,
        keepalive_timeout=KEEPALIVE_S,
        lingering_time=LINGER_S,
        max_line_size=MAX_REQUEST_LINE_BYTES,
        max_field_size=MAX_HEADER_BYTES,
    )


async def _stop_signal() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
