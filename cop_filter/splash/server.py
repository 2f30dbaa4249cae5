"""The splash server: where the resolver's splash address leads. Every request gets the page.

It never keeps a body, never logs a request, and has no other answer but /healthz.
"""

import asyncio
import signal
import socket

from aiohttp import web

from cop_filter import oracle_sharing
from cop_filter.config import Config
from cop_filter.events import Events
from cop_filter.loader import Watcher, open_engine
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.splash.discreet_server import DiscreetServer
from cop_filter.splash.page import render
from cop_filter.splash.reasons import HostEngine, Reasons
from cop_filter.store import Store

HEALTH_PATH = "/healthz"


def create_server(config: Config, engine: HostEngine, events: Events) -> DiscreetServer:
    """The server; `events` counts faults only, for the resolver has already counted the decision."""
    oracle = OracleBudget(config.oracle, events.http, native=oracle_sharing.joined(config.oracle))
    reasons = Reasons(engine, ClientProfiles(config.profiles), oracle, events)

    # No router: every method and path is answered alike, and those that no router understands.
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        verdict = reasons.reason(request.remote or "", request.headers.getall("Host", []))
        if request.path == HEALTH_PATH and verdict is None:
            text = f"ok\ngeneration {engine.generation}\n"
            response = web.Response(text=text, headers={"Cache-Control": "no-store"})
        else:
            page = render(verdict, config.operator, request.headers.get("Accept-Language", ""))
            response = web.Response(status=page.status, headers=page.headers, body=page.body)
        if request.body_exists:
            response.force_close()  # the page is the answer to the head; an upload is not waited for
        return response

    return DiscreetServer(answer)


def run(config: Config, sock: socket.socket) -> None:
    """Serve the page on a bound socket until SIGTERM or SIGINT.

    Raises StateError when the state folder cannot serve.
    """
    asyncio.run(_serve(config, sock))


async def _serve(config: Config, sock: socket.socket) -> None:
    events = Events()
    store = Store.of(config)
    # Whoever is led here may come from a worker that tries a new generation.
    engine = open_engine(store, canary=True, on_fault=events.fault)
    watcher = Watcher(
        store, engine, lambda swapped: events.generation("splash", swapped.generation), canary=True
    )
    events.generation("splash", engine.generation)
    server = create_server(config, engine, events)
    runner = web.ServerRunner(server, handle_signals=False)
    await runner.setup()
    beside = [asyncio.create_task(watcher.run()), asyncio.create_task(server.keep_bounded())]
    try:
        await web.SockSite(runner, sock).start()
        await _stop_signal()
    finally:
        for task in beside:
            task.cancel()
        await runner.cleanup()


async def _stop_signal() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
