"""All that wakes lists from outside, for as long as the sync runs."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Coroutine
from urllib.parse import urlsplit

from cop_filter.config import Config, ListConfig
from cop_filter.events import Events
from cop_filter.push import token, wake
from cop_filter.push.ports import Ports
from cop_filter.push.wakers import Wakers

_POLL_S = 0.2
_RESOLVE_S = 300.0


@contextlib.asynccontextmanager
async def listening(config: Config, ports: Ports, wakers: Wakers, events: Events) -> AsyncIterator[None]:
    """Have `wakers` woken by webhook, NOTIFY and requests of this machine until the block ends.

    The ports are the caller's to close. Raises ConfigError when the token of the webhook cannot be had.
    """
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_running(_poll(config, wakers, events)))
        if ports.http is not None:
            await stack.enter_async_context(_webhook(config, ports.http, wakers, events))
        if ports.notify_udp:
            await stack.enter_async_context(_notify(config, ports, wakers, events))
        yield


async def _poll(config: Config, wakers: Wakers, events: Events) -> None:
    while True:
        for list_id in await asyncio.to_thread(wake.asked, config.state_dir):
            events.pushed("file", "woken" if wakers.wake(list_id) else "unknown")
        await asyncio.sleep(_POLL_S)


@contextlib.asynccontextmanager
async def _webhook(
    config: Config, sock: socket.socket, wakers: Wakers, events: Events
) -> AsyncIterator[None]:
    from aiohttp import web  # noqa: PLC0415  only for those who listen

    from cop_filter.push.webhook import Webhook  # noqa: PLC0415  the same

    await asyncio.to_thread(token.read, config.push, os.environ)
    runner = web.ServerRunner(Webhook(wakers, events, lambda: token.read(config.push)).server)
    await runner.setup()
    try:
        await web.SockSite(runner, sock).start()
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _notify(config: Config, ports: Ports, wakers: Wakers, events: Events) -> AsyncIterator[None]:
    from cop_filter.push import notify_server  # noqa: PLC0415  dnspython is slow to import
    from cop_filter.push.notify import NotifyDesk  # noqa: PLC0415  the same

    zones = tuple(one for one in config.lists if urlsplit(one.source).scheme == "axfr")
    addresses: dict[str, frozenset[str]] = {}
    counter = notify_server.NotifyCounter(NotifyDesk(zones, addresses), wakers, events)
    async with _running(_keep_addresses(zones, addresses)), notify_server.listening(ports, counter.answer):
        yield


async def _keep_addresses(zones: tuple[ListConfig, ...], addresses: dict[str, frozenset[str]]) -> None:
    """Servers may be given by name, and names move."""
    while True:
        for one in zones:
            # A name that cannot be looked up for a while keeps its addresses.
            with contextlib.suppress(OSError, UnicodeError):
                host = urlsplit(one.source).hostname
                found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
                addresses[one.id] = frozenset(str(place[0]) for *_, place in found)
        await asyncio.sleep(_RESOLVE_S)


@contextlib.asynccontextmanager
async def _running(job: Coroutine[object, object, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(job)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
