"""Names lead nowhere that addresses may not."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from addons import lookups


@pytest.fixture
async def loop(monkeypatch: pytest.MonkeyPatch) -> asyncio.AbstractEventLoop:
    def look_up(host: object, port: int, *_: object, **__: object) -> list[object]:
        addresses = {"both.example": ["127.0.0.1", "203.0.113.1"], "here.example": ["127.0.0.1"]}
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses[str(host)]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    loop = asyncio.get_running_loop()
    lookups.install(loop)
    return loop


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


def elsewhere(address: str, _port: int) -> bool:
    return not address.startswith("127.")


async def addresses(loop: asyncio.AbstractEventLoop, name: str) -> list[str]:
    return [str(one[4][0]) for one in await loop.getaddrinfo(name, 80)]


async def test_what_is_not_allowed_is_left_out(loop: asyncio.AbstractEventLoop) -> None:
    assert await addresses(loop, "both.example") == ["127.0.0.1", "203.0.113.1"]
    lookups.restrict(elsewhere)
    assert await addresses(loop, "both.example") == ["203.0.113.1"]


async def test_rebinding_attack_a_name_for_loopback_is_never_contacted(
    loop: asyncio.AbstractEventLoop, listener: socket.socket
) -> None:
    lookups.restrict(elsewhere)
    with pytest.raises(PermissionError):
        await asyncio.open_connection("here.example", listener.getsockname()[1])
    with pytest.raises(BlockingIOError):
        listener.accept()


async def test_each_connection_has_its_own_rule(loop: asyncio.AbstractEventLoop) -> None:
    async def ask(restricted: bool) -> list[str]:
        if restricted:
            lookups.restrict(elsewhere)
        return await addresses(loop, "both.example")

    restricted, free = await asyncio.gather(ask(True), ask(False))
    assert (len(restricted), len(free)) == (1, 2)
