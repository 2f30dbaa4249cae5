"""Quantiles from buckets: what histogram_quantile would say."""

from itertools import accumulate
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.report.latency import latency, quantile


def test_a_quantile_is_linear_inside_its_bucket() -> None:
    assert quantile(0.5, (1.0, 2.0, inf), (0, 10, 10)) == 1.5
    assert quantile(0.5, (1.0, 2.0, inf), (10, 10, 10)) == 0.5
    assert quantile(1.0, (1.0, 2.0, inf), (10, 20, 20)) == 2.0


def test_above_the_last_bound_that_bound_is_given() -> None:
    assert quantile(0.99, (1.0, 2.0, inf), (50, 50, 100)) == 2.0


@pytest.mark.parametrize("counts", [(), (0, 0)])
def test_without_answers_there_is_no_quantile(counts: tuple[float, ...]) -> None:
    assert quantile(0.5, (1.0, inf)[: len(counts)], counts) is None


def test_the_latency_of_a_path_is_that_of_all_its_answers_in_the_interval() -> None:
    found = latency({inf: 100.0, 0.002: 100.0, 0.001: 50.0}, 2.0)
    assert (found.answers_per_s, found.p50_s) == (50.0, 0.001)
    assert found.p99_s == pytest.approx(0.00198)


def test_a_bucket_that_was_read_a_little_late_does_no_harm() -> None:
    found = latency({0.001: 11.0, 0.002: 10.0, inf: 10.0}, 1.0)
    assert found.answers_per_s == 11.0
    assert found.p99_s is not None
    assert found.p99_s <= 0.001


def test_nothing_measured_is_no_latency() -> None:
    found = latency({}, 1.0)
    assert (found.answers_per_s, found.p50_s, found.p99_s) == (0.0, None, None)


@given(
    st.lists(st.integers(0, 50), min_size=4, max_size=4).filter(any),
    st.floats(0.01, 1.0, allow_subnormal=False),
)
def test_a_quantile_lies_in_the_bucket_of_the_answer_that_it_stands_for(
    counts: list[int], share: float
) -> None:
    bounds = (1.0, 2.0, 4.0, inf)
    cumulative = list(accumulate(counts))
    found = quantile(share, bounds, cumulative)
    assert found is not None
    place = next(at for at, reached in enumerate(cumulative) if reached >= share * cumulative[-1])
    assert (0.0, *bounds)[place] <= found <= min(bounds[place], 4.0)
