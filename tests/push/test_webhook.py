"""POST /lists/ID: who may, what wakes, and what is told to those who may not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cop_filter.config import PushConfig
from cop_filter.events import Events
from cop_filter.push import token
from cop_filter.push.wakers import Wakers
from cop_filter.push.webhook import Webhook

RIGHT = {"Authorization": "Bearer s3cret"}


class Counted(Events):
    def __init__(self) -> None:
        super().__init__()
        self.pushes: list[tuple[str, str]] = []

    def pushed(self, channel: str, result: str) -> None:  # type: ignore[override]  # words are checked elsewhere
        self.pushes.append((channel, result))


class Hook:
    def __init__(self, url: str, wakers: Wakers, events: Counted, token_file: Path) -> None:
        self.url = url
        self.wakers = wakers
        self.events = events
        self.token_file = token_file

    async def post(self, path: str, **how: object) -> tuple[int, str]:
        how.setdefault("method", "POST")
        async with aiohttp.ClientSession() as session, session.request(url=self.url + path, **how) as answer:
            return answer.status, await answer.text()

    async def wakes(self, list_id: str = "national") -> bool:
        """Whether the list has been woken since."""
        woken = asyncio.create_task(self.wakers.wait(list_id, 900))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not woken.done():
            woken.cancel()
        return woken.done() and not woken.cancelled()


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Hook]:
    file = tmp_path / "push.token"
    await asyncio.to_thread(file.write_bytes, b"s3cret\n")
    await asyncio.to_thread(file.chmod, 0o600)
    wakers, events = Wakers(["national", "other.list"], gap_s=0), Counted()
    runner = web.ServerRunner(Webhook(wakers, events, lambda: token.read(PushConfig(token_file=file))).server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    yield Hook(f"http://{host}:{port}", wakers, events, file)
    await runner.cleanup()


@pytest.mark.parametrize("list_id", ["national", "other.list"])
async def test_a_push_with_the_token_wakes_the_list(hook: Hook, list_id: str) -> None:
    assert await hook.post(f"/lists/{list_id}", headers=RIGHT) == (202, "")
    assert await hook.wakes(list_id)
    assert hook.events.pushes == [("http", "woken")]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}]
)
@pytest.mark.parametrize("path", ["/lists/national", "/lists/unknown", "/", "/lists/"])
async def test_without_the_token_nothing_is_woken_and_nothing_told(
    hook: Hook, headers: dict[str, str], path: str
) -> None:
    assert await hook.post(path, headers=headers) == (401, "")
    assert not await hook.wakes()
    assert hook.events.pushes == [("http", "denied")]


@pytest.mark.parametrize("path", ["/lists/unknown", "/", "/lists/", "/lists/national/x", "/other/national"])
async def test_a_list_that_is_not_there_is_not_found(hook: Hook, path: str) -> None:
    assert (await hook.post(path, headers=RIGHT))[0] == 404
    assert hook.events.pushes == [("http", "unknown")]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_wakes(hook: Hook, method: str) -> None:
    assert (await hook.post("/lists/national", headers=RIGHT, method=method))[0] == 405
    assert not await hook.wakes()


async def test_bodies_are_not_looked_at(hook: Hook) -> None:
    for body in (b'{"zen": 1}', b"x" * 100_000):
        assert (await hook.post("/lists/national", headers=RIGHT, data=body))[0] == 202


async def test_an_endless_body_is_cut_off(hook: Hook) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    async with asyncio.timeout(20):
        with contextlib.suppress(aiohttp.ClientError):  # it was still sending
            assert (await hook.post("/lists/national", headers=RIGHT, data=endless()))[0] == 202
    assert await hook.wakes()


async def test_a_new_token_holds_at_once(hook: Hook) -> None:
    await asyncio.to_thread(hook.token_file.write_bytes, b"new")
    assert (await hook.post("/lists/national", headers=RIGHT))[0] == 401
    assert (await hook.post("/lists/national", headers={"Authorization": "Bearer new"}))[0] == 202


async def test_without_a_token_to_compare_nobody_may(hook: Hook) -> None:
    await asyncio.to_thread(hook.token_file.chmod, 0o644)
    assert (await hook.post("/lists/national", headers=RIGHT))[0] == 503
    assert not await hook.wakes()


async def test_those_who_hang_on_keep_nobody_out(hook: Hook) -> None:
    host, port = hook.url.removeprefix("http://").split(":")
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(200)]
    assert await asyncio.wait_for(silent[0][0].read(), 5) == b""
    assert (await hook.post("/lists/national", headers=RIGHT))[0] == 202
    for _, writer in silent:
        writer.close()
