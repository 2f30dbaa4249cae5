"""Trying again: when, how often, after how long."""

import random

import pytest

from cop_filter.errors import FetchFailed
from cop_filter.sources.result import TryAgain
from cop_filter.sources.retry import retry_after_s, retrying

NOW = 1_751_328_000.0  # Tue, 01 Jul 2025 00:00:00 GMT


async def waits_of(failure: Exception, retries: int, seed: int = 1) -> list[float]:
    waits: list[float] = []

    async def attempt() -> None:
        raise failure

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(type(failure)):
        await retrying(attempt, retries=retries, rng=random.Random(seed), sleep=sleep)
    return waits


async def test_waits_grow_to_a_bound_and_are_jittered() -> None:
    seen = [await waits_of(TryAgain("busy"), 9, seed) for seed in range(50)]
    for place, bound in enumerate([1, 2, 4, 8, 16, 32, 60, 60, 60]):
        drawn = [waits[place] for waits in seen]
        assert 0 <= min(drawn) < bound / 2 < max(drawn) <= bound


async def test_what_will_not_pass_is_not_tried_again() -> None:
    assert await waits_of(FetchFailed("gone"), 5) == []


async def test_retry_after_is_honoured_within_bounds() -> None:
    assert await waits_of(TryAgain("busy", 30.0), 2) == [30.0, 30.0]
    assert await waits_of(TryAgain("busy", 61.0), 2) == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Tue, 01 Jul 2025 00:01:30 GMT", 90.0),
        ("Mon, 30 Jun 2025 00:00:00 GMT", 0.0),
        ("Tue, 01 Jul 2025 00:01:30 -0000", 90.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("Tue, 01 Jul 99999 00:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_an_absurd_retry_after_is_still_a_number() -> None:
    assert retry_after_s("9" * 5000, NOW) == 999_999_999.0
