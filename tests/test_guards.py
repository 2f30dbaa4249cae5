"""Lists that are well formed and still not believable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.config import ListConfig
from cop_filter.errors import GuardFailed
from cop_filter.formats import Chunk, LineError
from cop_filter.guards import Reading, Tally, check
from cop_filter.verdict import LegalBasis


def settings(**changes: float) -> ListConfig:
    return ListConfig("national", "file:///x", "Example", "csam", LegalBasis.ORDER, **changes)


@pytest.mark.parametrize("in_force", [None, 0, 100, 200])
def test_a_believable_list_passes(in_force: int | None) -> None:
    check(Reading(100, 101, 1), settings(), in_force)


def test_a_list_without_entries_is_refused() -> None:
    with pytest.raises(GuardFailed, match="holds no entry"):
        check(Reading(0, 0, 0), settings(), None)


def test_too_many_bad_lines_are_refused_with_counts_and_the_first_few_reasons() -> None:
    tally = Tally()
    for start in (0, 10):
        errors = [LineError(start + n, "holds a space", "urls") for n in (1, 2)]
        tally.add(Chunk([], errors, 8))
    with pytest.raises(GuardFailed) as caught:
        check(tally.reading(12), settings(max_bad_share=0.2), None)
    assert str(caught.value) == (
        "4 of 16 lines are bad, more than max_bad_share (0.2) allows: urls line 1: holds a space; "
        "urls line 2: holds a space; urls line 11: holds a space; ..."
    )


@pytest.mark.parametrize(
    ("entries", "in_force", "reason"),
    [
        (49, 100, "shrank from 100 to 49 entries, more than max_shrink"),
        (401, 100, "grew from 100 to 401 entries, more than max_growth"),
        (1, 52, "shrank"),
        (52, 1, "grew"),
    ],
)
def test_a_leap_in_size_is_refused(entries: int, in_force: int, reason: str) -> None:
    with pytest.raises(GuardFailed, match=reason):
        check(Reading(entries, entries, 0), settings(), in_force)


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.floats(0, 1), st.floats(1, 100))
def test_the_bounds_themselves_are_allowed(
    entries: int, in_force: int, max_shrink: float, max_growth: float
) -> None:
    config = settings(max_shrink=max_shrink, max_growth=max_growth, free_change=0)
    within = in_force * (1 - max_shrink) <= entries <= in_force * max_growth
    try:
        check(Reading(entries, entries, 0), config, in_force)
    except GuardFailed:
        assert not within
    else:
        assert within


@pytest.mark.parametrize(("entries", "in_force"), [(1, 3), (1, 51), (51, 1), (60, 10), (400, 100)])
def test_a_small_list_may_change_by_leaps(entries: int, in_force: int) -> None:
    check(Reading(entries, entries, 0), settings(), in_force)


def test_shrinking_without_bound_is_the_operators_choice() -> None:
    check(Reading(1, 1, 0), settings(max_shrink=1.0), 10**6)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_a_tally_keeps_counts_of_all_and_only_the_first_errors(chunks: list[tuple[int, int]]) -> None:
    tally = Tally()
    for good, bad in chunks:
        tally.add(Chunk([], [LineError(1, "bad")] * bad, good + bad))
    reading = tally.reading(7)
    assert reading.lines == sum(map(sum, chunks))
    assert reading.bad_lines == sum(bad for _, bad in chunks)
    assert len(reading.first_errors) == min(3, reading.bad_lines)
