"""Everything that somebody has to look at is an alarm, and nothing else is."""

import pytest

from cop_filter.hold import Hold
from cop_filter.report.alarms import Alarm, alarms
from cop_filter.report.situation import Situation
from cop_filter.report.status import Status
from cop_filter.selftest import Result, Results
from cop_filter.setbacks import Setback
from cop_filter.verdict import Plane

NOW = 1_800_000_000.0
FINE = {
    "status": Status(3, NOW, ()),
    "now": NOW,
    "held": None,
    "trial": None,
    "setbacks": (),
    "quarantined": {},
    "selftest": None,
    "selftest_interval_s": 300.0,
}


def raised(**changes: object) -> list[Alarm]:
    return list(alarms(Situation(**{**FINE, **changes})))


def result(state="passed", **changes):
    fields = {"list_id": "national", "plane": Plane.DNS, "listener": "dns.listen[0] udp", "asked": 2}
    return Result(**{**fields, "state": state, **changes})


def results(*found, at=NOW):
    return Results(at, 3, found)


def test_where_all_is_well_there_is_no_alarm():
    assert raised() == []
    assert raised(selftest=results(result())) == []


def test_a_rollback_that_holds_is_one_and_says_how_it_ends():
    (alarm,) = raised(held=Hold(2, 3, NOW, "root", "complaints"))
    assert alarm.name == "rollback_holds"
    assert "complaints" in alarm.text
    assert "cop-filter release" in alarm.text
    assert [one.name for one in raised(held=Hold())] == ["rollback_holds"]


@pytest.mark.parametrize(
    ("setback", "names"),
    [
        (Setback((4,), NOW - 60, "failed", "blocked share jumped"), ["trial_taken_back"]),
        (Setback((4,), NOW - 90000, "failed", "blocked share jumped"), []),
        (Setback((4,), NOW - 60, "rolled back", "by hand"), []),
    ],
)
def test_a_trial_that_was_taken_back_is_told_for_a_day(setback, names):
    assert [one.name for one in raised(setbacks=(setback,))] == names


def test_versions_that_wait_for_people_are_counted_by_list():
    found = raised(quarantined={"national": 1, "other": 3})
    assert [(one.name, one.subject) for one in found] == [
        ("list_quarantined", "national"),
        ("list_quarantined", "other"),
    ]
    assert "3 versions wait" in found[1].text


@pytest.mark.parametrize(
    ("one", "name", "said"),
    [
        (result("failed", failed=1), "canary_failed", "1 of 2 canaries got through"),
        (result("failed", expects="pass"), "canary_failed", "what no list holds was blocked"),
        (result("unreachable"), "listener_unreachable", "nobody answers"),
    ],
)
def test_what_the_self_test_found_is_an_alarm(one, name, said):
    (alarm,) = raised(selftest=results(result(), one))
    assert (alarm.name, alarm.subject) == (name, "national on dns")
    assert said in alarm.text


@pytest.mark.parametrize(
    ("age_s", "names"), [(900, []), (901, ["selftest_overdue"]), (-901, ["selftest_overdue"])]
)
def test_a_self_test_that_runs_no_more_is_missed(age_s, names):
    assert [one.name for one in raised(selftest=results(result(), at=NOW - age_s))] == names
