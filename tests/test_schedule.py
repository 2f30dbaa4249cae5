"""When a list is asked for again."""

import random

from hypothesis import given
from hypothesis import strategies as st

from cop_filter.schedule import next_delay_s

intervals = st.floats(1, 366 * 86400)
seeds = st.integers().map(random.Random)


@given(intervals, seeds)
def test_a_good_list_is_never_later_than_its_interval(interval_s: float, rng: random.Random) -> None:
    assert 0.9 * interval_s <= next_delay_s(interval_s, 0, None, rng) <= interval_s


@given(intervals, st.integers(1, 10**6), seeds)
def test_a_failing_list_is_tried_sooner_and_never_in_a_storm(
    interval_s: float, failures: int, rng: random.Random
) -> None:
    delay_s = next_delay_s(interval_s, failures, None, rng)
    assert min(interval_s, 60) / 2 <= delay_s <= min(interval_s, 60 * 2.0 ** min(failures, 40))


@given(intervals, st.floats(0, 1e12), seeds)
def test_a_server_may_ask_for_patience_but_not_for_ever(
    interval_s: float, asked_s: float, rng: random.Random
) -> None:
    delay_s = next_delay_s(interval_s, 1, asked_s, rng)
    assert min(asked_s, 3600) <= delay_s <= max(3600, interval_s)
