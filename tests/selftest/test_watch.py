"""What is written down of a self-test: the history, the logs of what changed, the latest results."""

import stat
from pathlib import Path
from typing import Any

import pytest
from generations import a_config, a_list

from cop_filter.config import Config
from cop_filter.history import HOUR_S, History, Span
from cop_filter.selftest import Result, Results, latest, watch
from cop_filter.selftest.results import State
from cop_filter.verdict import Plane

T = 1_790_000_000 // HOUR_S * HOUR_S


class Notes:
    def __init__(self) -> None:
        self.noted: list[tuple[str, dict[str, Any]]] = []

    def note(self, event: str, **facts: str | int | None) -> bool:
        self.noted.append((event, facts))
        return True


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return a_config(tmp_path, a_list(interval_s=900.0))


def results(at: float, state: State, *, list_id: str = "national", asked: int = 1) -> Results:
    return Results(at, 7, (Result(list_id, Plane.DNS, "udp", state, asked),))


def recorded(config: Config, *rounds: Results) -> tuple[History, Notes]:
    history, notes, before = History(config.state_dir), Notes(), None
    for one in rounds:
        watch.record(one, before, config=config, history=history, audit=notes)
        before = one
    return history, notes


def test_results_are_counted_by_list_and_plane(config: Config) -> None:
    history, _ = recorded(config, results(T, "passed"), results(T + 300, "failed"))
    counted = {(row.subject, row.what): row.count for row in history.rows(T, T + 1)}
    assert counted["canary:national:dns", "passed"] == counted["canary:national:dns", "failed"] == 1


def test_enforcement_is_proven_between_two_tests_of_the_built_in_entry_that_passed(config: Config) -> None:
    rounds = [results(T + 300 * number, "passed", list_id="self-test") for number in range(4)]
    history, _ = recorded(config, *rounds, results(T + 1200, "failed", list_id="self-test"))
    assert history.spans("enforcing:dns", T, T + 5000) == [
        Span(T, T + 900, good=True), Span(T + 900, T + 1200, good=False),
    ]  # fmt: skip


def test_a_test_that_could_not_ask_proves_nothing_either_way(config: Config) -> None:
    history, _ = recorded(config, results(T, "unreachable", list_id="self-test", asked=0))
    assert history.spans("enforcing:dns", T - 1, T + 1) == []


def test_only_changes_are_audited(config: Config) -> None:
    _, notes = recorded(
        config, *(results(T + 300 * number, state) for number, state in enumerate(
            ("passed", "failed", "failed", "unreachable", "passed", "passed")))
    )  # fmt: skip
    assert [(event, facts.get("state")) for event, facts in notes.noted] == [
        ("canary_failed", "failed"), ("canary_failed", "unreachable"), ("canary_recovered", None),
    ]  # fmt: skip


def test_a_first_test_that_passes_is_no_news_and_one_that_fails_is(config: Config) -> None:
    assert recorded(config, results(T, "passed"))[1].noted == []
    assert [event for event, _ in recorded(config, results(T, "failed"))[1].noted] == ["canary_failed"]


def test_how_long_ago_its_source_confirmed_each_list_is_measured(config: Config) -> None:
    History(config.state_dir).refreshed("national", "unchanged", interval_s=900, at=T)
    history, _ = recorded(config, results(T + 120, "passed"))
    (silence,) = [row for row in history.rows(T, T + 1) if row.what == "unconfirmed_s"]
    assert silence.highest == 120


def test_the_latest_results_are_for_their_owner_alone(config: Config) -> None:
    found = results(T, "passed")
    watch.keep(config, found)
    assert latest(config.state_dir) == found
    assert stat.S_IMODE((config.state_dir / "selftest.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(("control", "good"), [("passed", True), ("unreachable", True), ("failed", False)])
def test_dead_upstreams_are_no_outage_of_enforcement_and_blocking_everything_is(
    config: Config, control: State, good: bool
) -> None:
    built_in = Result("self-test", Plane.DNS, "udp", "passed", 1)
    passing = Result("self-test", Plane.DNS, "udp", control, 1, expects="pass")
    history, _ = recorded(config, Results(T, 7, (built_in, passing)))
    assert [span.good for span in history.spans("enforcing:dns", T - 1, T + 1)] == [good]
