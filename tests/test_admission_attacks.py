"""What the parts of an admission could be played off against each other: guards, time, people, trials."""

from collections.abc import Callable
from pathlib import Path

import pytest
from admission_desk import HOUR, Desk, names
from generations import a_list
from quarantine_wards import ANN, ANN_KEY, BEN

from cop_filter import candidate
from cop_filter.config import RolloutConfig
from cop_filter.errors import GuardFailed
from cop_filter.guards import Finding
from cop_filter.ledger import Known


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, a_list(approvers=(ANN, BEN), approvals=2))


@pytest.fixture
def hourly(desk: Desk) -> Desk:
    """A list of 10,000 names of which some change every hour."""
    for hour in range(6):
        desk.admit(names(10 * hour, 10_000))
        desk.clock.now += HOUR
    return desk


def test_denmark_2012_what_was_quarantined_does_not_go_live_by_waiting(hourly: Desk) -> None:
    wrong = [*names(60, 10_000), *names(50_000, 4000)]
    with pytest.raises(GuardFailed, match="usually"):
        hourly.admit(wrong)
    hourly.clock.now += 90 * 24 * HOUR
    with pytest.raises(GuardFailed, match="usually"):
        hourly.admit(wrong)
    with pytest.raises(GuardFailed, match="usually"):
        hourly.admit([*wrong, "one-more.example"])
    hourly.change(max_churn_jump=10_000.0)
    assert hourly.admit(wrong).report.entries == 14_000


def test_a_burst_of_small_versions_does_not_make_a_list_long_overdue(hourly: Desk) -> None:
    for second in range(60):
        hourly.admit(names(100 + second, 10_000))
        hourly.clock.now += 1
    hourly.clock.now += HOUR
    with pytest.raises(GuardFailed, match="usually"):
        hourly.admit([*names(200, 10_000), *names(50_000, 4000)])


def test_a_rejected_version_stays_refused_though_no_guard_finds_anything_any_more(desk: Desk) -> None:
    desk.admit(names(0, 100))
    desk.clock.now += 60
    big = names(0, 1000)
    with pytest.raises(GuardFailed, match="grew"):
        desk.admit(big)
    (item,) = desk.ward().items()
    desk.ward().reject(item.id, ANN_KEY, "root")
    desk.change(max_growth=20.0, max_churn=20.0)
    with pytest.raises(GuardFailed, match="rejected by ann"):
        desk.admit(big)
    assert desk.admit([*big, "one-more.example"]).report.entries == 1001


def test_an_approval_covers_what_was_shown_and_nothing_that_is_found_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.admit(names(0, 100))
    desk.clock.now += 60
    big = names(0, 1000)
    with pytest.raises(GuardFailed, match="grew"):
        desk.admit(big)
    assert desk.approve() == "released"
    monkeypatch.setattr(candidate.overblock, "prove", _finds("overblock"))
    desk.clock.now += 60
    with pytest.raises(GuardFailed, match="found by overblock"):
        desk.admit(big)
    (item,) = desk.ward().items()
    assert (item.state, item.approved_by) == ("waiting", ())
    assert item.item is not None
    assert "overblock" in [finding["guard"] for finding in item.item.report["findings"]]
    desk.clock.now += 60
    assert desk.approve() == "released"
    assert desk.admit(big).report.entries == 1000


def _finds(guard: str) -> Callable[..., tuple[Finding, ...]]:
    return lambda *_, **__: (Finding(guard, f"found by {guard}"),)


def test_an_approved_version_that_was_taken_back_by_itself_needs_people_again(tmp_path: Path) -> None:
    rollout = RolloutConfig(soak_s=600.0)
    desk = Desk(tmp_path, a_list(approvers=(ANN, BEN), approvals=2), rollout=rollout)
    desk.admit(names(0, 100))
    desk.clock.now += 60
    big = names(0, 1000)
    with pytest.raises(GuardFailed, match="grew"):
        desk.admit(big)
    assert desk.approve() == "released"
    desk.clock.now += 60
    tried = desk.admit(big).generation
    desk.clock.now += 60
    with desk.store.writer():
        assert desk.store.stages.take_back("far too much is blocked", desk.clock()) is not None
    desk.clock.now += 60
    with pytest.raises(GuardFailed, match="taken back by itself"):
        desk.admit(big)
    assert desk.store.newest() != tried
    desk.clock.now += 60
    assert desk.approve() == "released"
    assert desk.admit(big).report.entries == 1000


def test_a_list_that_is_allowed_addresses_may_hold_them(desk: Desk) -> None:
    desk.change(format="plain")
    lines = [*names(0, 5), "192.0.2.7", "198.51.100.0/30"]
    with pytest.raises(GuardFailed, match="allow_addresses"):
        desk.admit(lines)
    desk.change(allow_addresses=True)
    assert desk.admit(lines).report.entries == 10
    # What is remembered of it was read in another way than it would be now.
    assert desk.ledger.known(desk.wanted) != Known()
    desk.change(allow_addresses=False)
    assert desk.ledger.known(desk.wanted) == Known()


def test_a_list_does_not_grow_by_many_small_versions_beyond_what_one_may_bring(desk: Desk) -> None:
    desk.admit(names(0, 1000))
    desk.clock.now += 10 * HOUR
    for count in range(1040, 1500, 40):
        desk.admit(names(0, count))
        desk.clock.now += 1
    with pytest.raises(GuardFailed, match="just before"):
        desk.admit(names(0, 1520))
    # At its own pace it may, as it does where nobody pushes.
    desk.clock.now += desk.wanted.interval_s
    assert desk.admit(names(0, 1520)).report.entries == 1520


def test_a_mistake_may_be_taken_back_at_once(desk: Desk) -> None:
    desk.admit(names(0, 1000))
    desk.clock.now += 10 * HOUR
    desk.admit(names(0, 1450))
    desk.clock.now += 5
    assert desk.admit(names(0, 1000)).report.entries == 1000


def test_a_burst_of_tiny_versions_pushes_nothing_out_of_what_is_known_of_a_list(hourly: Desk) -> None:
    before = hourly.ledger.history(hourly.wanted)
    for second in range(100):
        hourly.admit(names(100 + second, 10_000))
        hourly.clock.now += 1
    history = hourly.ledger.history(hourly.wanted)
    assert len(history) == 60
    assert history[: len(before)] == before
    assert sum(one.added for one in history[len(before) :]) == 149
