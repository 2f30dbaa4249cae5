"""Leaps in size, and lines that are no entries."""

import pytest
from generations import a_list
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.formats import LineError
from cop_filter.guards import size
from cop_filter.guards.seen import Seen


def leap(entries, in_force, **settings):
    """What the guards of size say, if anything."""
    seen, config = Seen(lines=entries, entries=entries, in_force=in_force), a_list(**settings)
    return size.not_empty(seen, config) or size.no_collapse(seen, config) or size.no_explosion(seen, config)


@pytest.mark.parametrize("in_force", [None, 0, 100, 200])
def test_a_believable_list_passes(in_force):
    assert leap(100, in_force) is None


def test_a_list_without_entries_is_refused():
    assert leap(0, None) == "the list holds no entry"


def test_too_many_bad_lines_are_refused_with_counts_and_the_first_few_reasons():
    errors = tuple(LineError(number, "holds a space", "urls") for number in (1, 2, 11))
    seen = Seen(lines=16, bad_lines=4, first_errors=errors, entries=12)
    assert size.few_bad_lines(seen, a_list(max_bad_share=0.2)) == (
        "4 of 16 lines are bad, more than max_bad_share (0.2) allows: urls line 1: holds a space; "
        "urls line 2: holds a space; urls line 11: holds a space; ..."
    )
    assert size.few_bad_lines(seen, a_list(max_bad_share=0.25)) is None


@pytest.mark.parametrize(
    ("entries", "in_force", "reason"),
    [
        (49, 100, "shrank from 100 to 49 entries, more than max_shrink"),
        (401, 100, "grew from 100 to 401 entries, more than max_growth"),
        (1, 52, "shrank"),
        (52, 1, "grew"),
    ],
)
def test_a_leap_in_size_is_refused(entries, in_force, reason):
    assert reason in leap(entries, in_force)


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.floats(0, 1), st.floats(1, 100))
def test_the_bounds_themselves_are_allowed(entries, in_force, max_shrink, max_growth):
    within = in_force * (1 - max_shrink) <= entries <= in_force * max_growth
    said = leap(entries, in_force, max_shrink=max_shrink, max_growth=max_growth, free_change=0)
    assert (said is None) == within


@pytest.mark.parametrize(("entries", "in_force"), [(1, 3), (1, 51), (51, 1), (60, 10), (400, 100)])
def test_a_small_list_may_change_by_leaps(entries, in_force):
    assert leap(entries, in_force) is None


def test_shrinking_without_bound_is_the_operators_choice():
    assert leap(1, 10**6, max_shrink=1.0) is None
