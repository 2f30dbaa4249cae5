"""What the operator sees: list states, the counters' folder, the Prometheus endpoint."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from cop_filter import compiler
from cop_filter.config import Address, Config, ListConfig, MetricsConfig, OperatorConfig, ProfileConfig
from cop_filter.entries import parse
from cop_filter.manifest import ListState
from cop_filter.report import counters
from cop_filter.report.alarms import ALARM_NAMES, alarms
from cop_filter.report.current import current_situation, current_status
from cop_filter.report.endpoint import create_app, scrape
from cop_filter.report.situation import Situation
from cop_filter.report.status import Status, list_row, status
from cop_filter.store import Store
from cop_filter.verdict import LegalBasis

NOW = 1_800_000_000.0
OPERATOR = OperatorConfig("Example Net", "officer", "https://isp.example/appeal", "https://hotline.example")


def situation(found: Status, **more: object) -> Situation:
    fields = {
        "held": None,
        "trial": None,
        "setbacks": (),
        "quarantined": {},
        "selftest": None,
        "selftest_interval_s": 300.0,
    }
    return Situation(status=found, now=NOW, **{**fields, **more})  # type: ignore[arg-type]  # passed through


def list_config(list_id: str = "national", interval_s: float = 900) -> ListConfig:
    return ListConfig(
        id=list_id,
        source="https://lists.authority.example/urls.txt",
        authority="Example Hotline",
        category="csam",
        legal_basis=LegalBasis.MEMBERSHIP,
        interval_s=interval_s,
    )


def configuration(state_dir: Path, *lists: ListConfig) -> Config:
    metrics = MetricsConfig(Address("127.0.0.1", 9153))
    return Config(state_dir, OPERATOR, lists or (list_config(),), metrics=metrics)


def in_force(published_at: float | None, entries: int = 7) -> ListState:
    return ListState(compiler.list_policy(list_config()), entries, published_at)


def test_a_list_in_force_and_checked_on_time_is_ok() -> None:
    note = {"state": "ok", "checked_at": NOW - 60, "next_try": NOW + 840, "last_error": None}
    row = list_row(list_config(), note, in_force(NOW - 3600), NOW)
    assert (row.state, row.entries, row.age_s, row.next_try) == ("ok", 7, 3600, NOW + 840)


def test_a_list_of_profiles_says_whose_it_is(tmp_path: Path) -> None:
    schools = ProfileConfig("schools", (ip_network("198.51.100.0/24"),), ("national",))
    config = replace(configuration(tmp_path), profiles=(schools,))
    found = status(config, {}, {}, generation=None, created_at=None, now=NOW)
    assert found.lists[0].profiles == ("schools",)


def test_a_refused_list_is_failing_while_its_last_good_version_stays() -> None:
    note = {"state": "failing", "checked_at": NOW, "last_error": "status 500"}
    row = list_row(list_config(), note, in_force(NOW - 3600), NOW)
    assert (row.state, row.entries, row.last_error) == ("failing", 7, "status 500")


@pytest.mark.parametrize("published", [None, in_force(None, entries=0)])
def test_a_list_that_was_never_published_is_never(published: ListState | None) -> None:
    row = list_row(list_config(), {"state": "failing", "last_error": "status 500"}, published, NOW)
    assert (row.state, row.entries, row.age_s, row.last_error) == ("never", 0, None, "status 500")


@pytest.mark.parametrize(
    ("interval_s", "checked_before_s", "state"),
    [(900, 2600, "ok"), (900, 2800, "overdue"), (1, 50, "ok"), (1, 62, "overdue"), (1, -62, "overdue")],
)
def test_a_list_that_nobody_checks_any_more_is_overdue(
    interval_s: float, checked_before_s: float, state: str
) -> None:
    note = {"state": "ok", "checked_at": NOW - checked_before_s}
    assert list_row(list_config(interval_s=interval_s), note, in_force(NOW - 9999), NOW).state == state


def test_there_is_no_alarm_only_when_every_list_is_ok(tmp_path: Path) -> None:
    config = configuration(tmp_path, list_config("one"), list_config("two"))
    fine = {"state": "ok", "checked_at": NOW}
    published = {"one": in_force(NOW), "two": in_force(NOW)}
    whole = status(config, {"one": fine, "two": fine}, published, generation=3, created_at=NOW, now=NOW)
    assert alarms(situation(whole)) == ()
    assert [row.id for row in whole.lists] == ["one", "two"]
    partly = status(config, {"one": fine}, published, generation=3, created_at=NOW, now=NOW)
    assert [(one.name, one.subject) for one in alarms(situation(partly))] == [("list_overdue", "two")]


def test_the_status_of_a_real_state_folder(tmp_path: Path) -> None:
    config = configuration(tmp_path / "state")
    publish(config)
    Store(config.state_dir).write_status({"national": {"state": "ok", "checked_at": time.time()}})
    found = current_status(config)
    assert found.generation == 1
    assert alarms(current_situation(config)) == ()
    assert found.lists[0].entries == 2


@pytest.mark.parametrize(
    ("expires_at", "confirmed_at", "state"),
    [
        (NOW + 1, NOW - 60, "ok"),
        (NOW, NOW - 60, "expired"),
        (None, NOW - 86400, "ok"),
        (None, NOW - 86401, "stale"),
        (NOW - 1, NOW - 86401, "expired"),
    ],
)
def test_a_list_that_its_authority_no_longer_stands_by_is_told_apart(
    expires_at: float | None, confirmed_at: float, state: str
) -> None:
    published = replace(in_force(NOW - 3 * 86400), expires_at=expires_at)
    note = {"state": "failing", "checked_at": NOW, "confirmed_at": confirmed_at, "last_error": "status 500"}
    row = list_row(replace(list_config(), stale_after_s=86400.0), note, published, NOW)
    assert row.state == {"ok": "failing"}.get(state, state)
    assert (row.expires_at, row.confirmed_at, row.entries) == (expires_at, confirmed_at, 7)


@pytest.mark.parametrize(("on_stale", "said"), [("enforce", "enforced on"), ("observe", "only observed")])
def test_the_alarm_says_what_an_expired_list_still_does(on_stale: str, said: str) -> None:
    wanted = replace(list_config(), on_stale=on_stale)
    published = {"national": replace(in_force(NOW - 60), expires_at=NOW - 1)}
    config = configuration(Path("state"), wanted)
    found = status(config, {"national": {}}, published, generation=3, created_at=NOW, now=NOW)
    (alarm,) = alarms(situation(found))
    assert (alarm.name, alarm.subject) == ("list_expired", "national")
    assert said in alarm.text


def test_an_empty_state_folder_has_a_status_too(tmp_path: Path) -> None:
    found = current_status(configuration(tmp_path / "state"))
    assert found.generation is None
    assert [row.state for row in found.lists] == ["never"]


def test_the_counters_folder_is_private_and_forgets_dead_processes_of_earlier_runs(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir(mode=0o755)
    dead, alive = dead_pid(), os.getpid()
    names = [f"counter_{dead}.db", f"gauge_livemin_{dead}.db", f"counter_{alive}.db", "notes.txt"]
    for name in names:
        (folder / name).touch()
    assert counters.prepare(tmp_path) == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {f"counter_{alive}.db", "notes.txt"}


def test_totals_survive_a_dead_worker_and_its_gauges_do_not(tmp_path: Path) -> None:
    folder = counters.prepare(tmp_path)
    dead = dead_pid()
    for name in (f"counter_{dead}.db", f"gauge_min_{dead}.db", f"gauge_min_{os.getpid()}.db"):
        (folder / name).touch()
    counters.forget_gauges(folder)
    assert {path.name for path in folder.iterdir()} == {f"counter_{dead}.db", f"gauge_min_{os.getpid()}.db"}


async def test_the_endpoint_shows_what_all_processes_counted_and_the_lists(tmp_path: Path) -> None:
    config = configuration(tmp_path / "state")
    publish(config)
    Store(config.state_dir).write_status({"national": {"state": "ok", "checked_at": time.time()}})
    folder = counters.prepare(config.state_dir)
    for _ in range(2):
        count_in_another_process(folder)
    async with TestClient(TestServer(create_app(config))) as client:
        response = await client.get("/metrics")
        text = await response.text()
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain")
        assert (await client.get("/")).status == 404
    lines = text.splitlines()
    assert 'cop_filter_decisions_total{action="block",list="national",plane="dns"} 2.0' in lines
    assert 'cop_filter_list_entries{list="national"} 2.0' in lines
    assert 'cop_filter_list_state{list="national",state="ok"} 1.0' in lines
    assert "cop_filter_generation 1.0" in lines
    assert "cop_filter_state_readable 1.0" in lines
    assert "bad.example" not in text


def test_a_state_folder_that_cannot_be_read_is_an_alarm_and_not_an_error(tmp_path: Path) -> None:
    config = configuration(tmp_path / "state")
    counters.prepare(config.state_dir)
    (config.state_dir / "current").write_text("rubbish")
    assert b"cop_filter_state_readable 0.0" in scrape(config)


async def test_health_is_asked_for_and_names_the_alarms(tmp_path: Path) -> None:
    config = configuration(tmp_path / "state")
    async with TestClient(TestServer(create_app(config))) as client:
        answer = await client.get("/health")
        assert answer.status == 503
        names = [one["name"] for one in (await answer.json())["alarms"]]
        assert names == ["nothing_published", "list_never_loaded"]
        publish(config)
        Store(config.state_dir).write_status({"national": {"state": "ok", "checked_at": time.time()}})
        answer = await client.get("/health")
        assert (answer.status, await answer.json()) == (200, {"healthy": True, "alarms": []})
        (config.state_dir / "current").write_text("damaged")
        answer = await client.get("/health")
        assert (await answer.json())["alarms"][0]["name"] == "state_unreadable"


def test_every_alarm_is_in_the_metrics_with_its_count(tmp_path: Path) -> None:
    config = configuration(tmp_path / "state", list_config("one"), list_config("two"))
    scraped = scrape(config).decode()
    assert 'cop_filter_alarm{alarm="list_never_loaded",subject="one"} 1.0' in scraped
    assert 'cop_filter_alarms{alarm="list_never_loaded"} 2.0' in scraped
    assert all(f'cop_filter_alarms{{alarm="{name}"}}' in scraped for name in ALARM_NAMES)


def publish(config: Config) -> None:
    with compiler.draft(Store(config.state_dir), config) as draft:
        draft.replace("national", [parse("bad.example"), parse("http://h.example/page")])
        draft.publish({"national": "00"})


def dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def count_in_another_process(folder: Path) -> None:
    code = (
        "from cop_filter.events import Events\n"
        "from cop_filter.verdict import *\n"
        "Events().decided(Plane.DNS, Verdict(Action.BLOCK, 1, 'national'))\n"
    )
    environment = {**os.environ, counters.VARIABLE: str(folder)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
