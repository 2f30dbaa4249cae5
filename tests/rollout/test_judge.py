"""What figures say of a generation on trial."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.config import RolloutConfig
from cop_filter.rollout.figures import Counted, Figures
from cop_filter.rollout.judge import judge
from cop_filter.verdict import Plane

LIMITS = RolloutConfig(soak_s=600.0, max_block_jump=3.0, min_decisions=1000)
NOTHING = Figures()


def counted(decisions, blocked, **more):
    return Figures({Plane.DNS: Counted(decisions, blocked)}, **more)


def judged(before=NOTHING, trial=NOTHING, rest=NOTHING, canaries_of=(), soaked=False):
    return judge(before, trial, rest, canaries_of=canaries_of, soaked=soaked, limits=LIMITS)


def test_nothing_counted_waits_for_the_soak_and_passes():
    assert judged() == ("wait", "")
    assert judged(soaked=True) == ("pass", "")


def test_before_enough_was_decided_a_share_says_nothing():
    assert judged(before=counted(10_000, 0), trial=counted(999, 999)).verdict == "wait"
    assert judged(before=counted(10_000, 0), trial=counted(1000, 1000)).verdict == "fail"


def test_what_is_found_at_the_end_of_the_soak_still_fails_it():
    assert judged(before=counted(10_000, 0), trial=counted(1000, 1000), soaked=True).verdict == "fail"


def test_the_others_in_the_same_time_count_more_than_the_time_before():
    everybody_meets_it = counted(5000, 2500)
    assert judged(counted(10**6, 10), counted(2000, 1000), everybody_meets_it).verdict == "wait"
    assert judged(counted(10**6, 10), counted(2000, 1000), counted(500, 250)).verdict == "fail"


def test_without_any_measure_there_is_no_jump():
    assert judged(trial=counted(5000, 5000)).verdict == "wait"


def test_failed_decisions_fail_it_where_they_are_more_than_usual():
    assert judged(trial=counted(100, 0, faults=5)).verdict == "wait"
    assert judged(trial=counted(100, 0, faults=6)).verdict == "fail"
    assert judged(before=counted(1000, 0, faults=100), trial=counted(100, 0, faults=12)).verdict == "wait"


def test_processes_that_end_fail_it_where_the_others_do_not():
    assert judged(trial=counted(0, 0, deaths=2)).verdict == "wait"
    assert judged(trial=counted(0, 0, deaths=3)).verdict == "fail"
    assert judged(trial=counted(0, 0, deaths=3), rest=counted(0, 0, deaths=3)).verdict == "wait"


@given(
    decisions=st.integers(1000, 10**7),
    usual=st.floats(0, 1),
    jump=st.floats(0, 1),
)
def test_a_share_fails_only_above_what_is_allowed_and_never_by_the_usual_one(decisions, usual, jump):
    rest = counted(10**6, round(usual * 10**6))
    blocked = round(jump * decisions)
    verdict = judged(trial=counted(decisions, blocked), rest=rest).verdict
    allowed = 3.0 * max(rest.on(Plane.DNS).share, 0.001) * decisions
    assert verdict == ("fail" if blocked > allowed + 3 * math.sqrt(allowed) else "wait")


@pytest.mark.parametrize("lists", [["b", "a"], ["a", "b"]])
def test_the_lists_whose_canaries_fail_are_named(lists):
    assert judged(canaries_of=lists) == ("fail", "canaries of a, b are not blocked")
