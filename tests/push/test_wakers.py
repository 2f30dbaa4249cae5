"""However often a list is woken, it is one fetch at a time and one after."""

import asyncio

from cop_filter.push.wakers import Wakers


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def wakers_on(time: Time) -> Wakers:
    return Wakers(["national", "other"], gap_s=1.0, clock=time, sleep=time.sleep)


async def test_a_list_is_woken_at_once() -> None:
    time = Time()
    wakers = wakers_on(time)
    waiting = asyncio.create_task(wakers.wait("national", 900))
    await asyncio.sleep(0)
    assert wakers.wake("national")
    await asyncio.wait_for(waiting, 5)
    assert time.slept == []


async def test_a_list_that_nobody_wakes_is_waited_for_no_longer_than_asked() -> None:
    await wakers_on(Time()).wait("national", 0.01)


async def test_a_flood_is_one_fetch_a_second() -> None:
    time = Time()
    wakers = wakers_on(time)
    for _ in range(5):
        for _ in range(1000):
            wakers.wake("national")
        await wakers.wait("national", 900)
    assert time.slept == [1.0] * 4


async def test_being_woken_while_a_refresh_runs_means_one_more_after_it() -> None:
    time = Time()
    wakers = wakers_on(time)
    wakers.wake("national")
    await wakers.wait("national", 900)
    time.now += 10  # the refresh takes its time
    for _ in range(3):
        wakers.wake("national")
    await wakers.wait("national", 900)
    assert time.slept == []
    await wakers.wait("national", 0.01)


async def test_lists_are_woken_one_by_one_or_all_together() -> None:
    wakers = wakers_on(Time())
    assert not wakers.wake("unknown")
    wakers.wake_all()
    for one in ("national", "other"):
        await asyncio.wait_for(wakers.wait(one, 900), 5)
