"""The very first start: what enforces waits until every list was tried, and no longer than it should."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from cop_filter.first_lists import FirstLists
from cop_filter.store import Store

TRIED = {"state": "never", "checked_at": 1.0}


class Clock:
    """Goes on by a second whenever somebody looks, which is once for each look at the lists."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now

    async def looked_at(self, more: int) -> None:
        seen = self.now + more
        async with asyncio.timeout(20):
            while self.now < seen:  # noqa: ASYNC110  it has no event
                await asyncio.sleep(0.01)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "state")
    store.prepare()
    return store


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    caplog.set_level(logging.INFO)
    return lambda: caplog.text


async def test_it_waits_until_every_list_was_tried(store: Store, said: Callable[[], str]) -> None:
    clock = Clock()
    first = FirstLists(store, ["national", "other"], clock=clock)
    waiting = asyncio.ensure_future(first.wait(asyncio.Event()))
    store.write_status({"national": TRIED})
    await clock.looked_at(3)
    assert not waiting.done()
    store.write_status({"national": TRIED, "other": TRIED})
    (store.root / "current").write_text("1\n")
    await asyncio.wait_for(waiting, 10)
    assert "dns and proxy wait for the lists, 60 s at most" in said()
    assert "WARNING" not in said()


async def test_what_was_noted_before_does_not_count(store: Store) -> None:
    store.write_status({"national": TRIED})
    clock = Clock()
    waiting = asyncio.ensure_future(FirstLists(store, ["national"], clock=clock).wait(asyncio.Event()))
    await clock.looked_at(3)
    assert not waiting.done()
    store.write_status({"national": {**TRIED, "checked_at": 2.0}})
    await asyncio.wait_for(waiting, 10)


async def test_where_something_is_published_nothing_is_waited_for(
    store: Store, said: Callable[[], str]
) -> None:
    for pointer in ("3\n", "damaged"):
        (store.root / "current").write_text(pointer)
        await asyncio.wait_for(FirstLists(store, ["national"]).wait(asyncio.Event()), 10)
    assert said() == ""


async def test_a_list_that_hangs_is_not_waited_for_for_ever(store: Store, said: Callable[[], str]) -> None:
    store.write_status({"national": TRIED})
    first = FirstLists(store, ["national", "hangs"], most_s=3, clock=Clock())
    store.write_status({"national": {**TRIED, "checked_at": 2.0}})
    await asyncio.wait_for(first.wait(asyncio.Event()), 10)
    assert "not waiting any longer for: hangs" in said()


async def test_where_nothing_came_of_it_everything_passes_and_that_is_said(
    store: Store, said: Callable[[], str]
) -> None:
    waiting = asyncio.ensure_future(FirstLists(store, ["national"]).wait(asyncio.Event()))
    store.write_status({"national": TRIED})
    await asyncio.wait_for(waiting, 10)
    assert "no list could be published: until one is, dns and proxy let everything pass" in said()


async def test_who_stops_is_not_kept(store: Store, said: Callable[[], str]) -> None:
    stopping = asyncio.Event()
    waiting = asyncio.ensure_future(FirstLists(store, ["national"]).wait(stopping))
    stopping.set()
    await asyncio.wait_for(waiting, 10)
    assert "WARNING" not in said()
