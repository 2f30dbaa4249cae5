"""Identical questions in flight are asked once."""

import asyncio

import pytest

from dns_resolver.flight import Flights, TooManyFlights


class Work:
    def __init__(self):
        self.started = 0
        self.go = asyncio.Event()

    async def __call__(self):
        self.started += 1
        await self.go.wait()
        return self.started


async def test_all_who_ask_the_same_share_one_flight():
    work, flights = Work(), Flights()
    callers = [asyncio.ensure_future(flights.join("key", work)) for _ in range(50)]
    other = asyncio.ensure_future(flights.join("other", work))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert work.started == 2
    work.go.set()
    assert await asyncio.gather(*callers, other) == [2] * 51
    assert len(flights) == 0


async def test_the_next_question_after_landing_starts_anew():
    work, flights = Work(), Flights()
    work.go.set()
    assert await flights.join("key", work) == 1
    assert await flights.join("key", work) == 2


async def test_a_caller_that_leaves_does_not_stop_the_others():
    work, flights = Work(), Flights()
    first = asyncio.ensure_future(flights.join("key", work))
    second = asyncio.ensure_future(flights.join("key", work))
    await asyncio.sleep(0)
    first.cancel()
    work.go.set()
    assert await second == 1


async def test_an_error_reaches_all_and_ends_the_flight():
    async def fail():
        raise LookupError

    flights = Flights()
    results = await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 3
    assert len(flights) == 0


async def test_closing_cancels_what_still_flies():
    work, flights = Work(), Flights()
    caller = asyncio.ensure_future(flights.join("key", work))
    await asyncio.sleep(0)
    await flights.close()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert len(flights) == 0


async def test_flights_that_nobody_waits_for_any_more_are_bounded_too():
    work, flights = Work(), Flights(most=3)
    callers = [asyncio.ensure_future(flights.join(key, work)) for key in range(3)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert len(flights) == 3
    with pytest.raises(TooManyFlights):
        await flights.join("another", work)
    known = asyncio.ensure_future(flights.join(2, work))
    work.go.set()
    assert await known == 3
    assert await flights.join("another", work) == 4
