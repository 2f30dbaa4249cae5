"""The history: sums by the hour, spans of good and bad, and that it never takes anything down."""

import logging
import os
import sqlite3
import stat
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_disk import small_disk

from cop_filter.errors import StateError
from cop_filter.history import FILE, HOUR_S, KEPT_HOURS, History, Span

T = 1_790_000_000 // HOUR_S * HOUR_S
LIST = "list:national"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path, clock=lambda: T + 10)


def test_what_happens_in_an_hour_is_one_sum(history: History) -> None:
    history.add(LIST, "published")
    history.add(LIST, "published", 2, at=T + HOUR_S - 1)
    history.add(LIST, "published", at=T + HOUR_S)
    assert [(row.hour, row.count) for row in history.rows(T, T + 2 * HOUR_S)] == [(T, 3), (T + HOUR_S, 1)]


def test_a_measure_keeps_its_sum_its_lowest_and_its_highest(history: History) -> None:
    for value in (7.0, 3.0, 5.0):
        history.measured(LIST, "age_s", value)
    row = history.rows(T, T + 1)[0]
    assert (row.count, row.total, row.lowest, row.highest) == (3, 15.0, 3.0, 7.0)


def test_only_the_hours_asked_for_are_given(history: History) -> None:
    for hour in range(4):
        history.add("sync", "started", at=T + hour * HOUR_S)
    assert [row.hour for row in history.rows(T + HOUR_S, T + 3 * HOUR_S)] == [T + HOUR_S, T + 2 * HOUR_S]


def test_what_is_seen_good_again_and_again_was_good_in_between(history: History) -> None:
    for at in (0, 60, 120):
        history.seen(LIST, good=True, patience_s=90, at=T + at)
    assert history.spans(LIST, T - 100, T + 500) == [Span(T, T + 120, good=True)]


def test_time_in_which_nobody_looked_is_in_no_span(history: History) -> None:
    for at in (0, 60, 300, 360):
        history.seen(LIST, good=True, patience_s=90, at=T + at)
    assert history.spans(LIST, T, T + 500) == [Span(T, T + 60, good=True), Span(T + 300, T + 360, good=True)]


def test_between_good_and_bad_and_good_again_all_counts_as_bad(history: History) -> None:
    for at, good in ((0, True), (60, True), (120, False), (180, True), (240, True)):
        history.seen(LIST, good=good, patience_s=90, at=T + at)
    assert history.spans(LIST, T, T + 500) == [
        Span(T, T + 60, good=True),
        Span(T + 60, T + 180, good=False),
        Span(T + 180, T + 240, good=True),
    ]


def test_spans_are_cut_off_at_the_bounds_asked_for(history: History) -> None:
    for at in (0, 60):
        history.seen(LIST, good=True, patience_s=90, at=T + at)
    assert history.spans(LIST, T + 10, T + 30) == [Span(T + 10, T + 30, good=True)]


def test_a_clock_that_ran_ahead_makes_no_good_time_after_it_is_set_back(history: History) -> None:
    for at in (0, 86400, 60):
        history.seen(LIST, good=True, patience_s=90, at=T + at)
    assert history.spans(LIST, T, T + 1000) == [Span(T, T + 60, good=True)]


@given(st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=20))
@settings(deadline=None, max_examples=25)
def test_spans_never_overlap_and_good_ones_hold_no_bad_sight(
    tmp_path_factory: pytest.TempPathFactory, sights: list[tuple[int, bool]]
) -> None:
    history = History(tmp_path_factory.mktemp("state"))
    at, bad = float(T), []
    for step, good in sights:
        at += step
        history.seen(LIST, good=good, patience_s=90, at=at)
        if not good:
            bad.append(at)
    spans = history.spans(LIST, T, at + 1)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert not [span for span in spans if span.good and any(span.start < one < span.end for one in bad)]


def test_a_refused_refresh_is_counted_and_proves_nothing(history: History) -> None:
    history.refreshed("national", "published", interval_s=900, at=T)
    history.refreshed("national", "unchanged", interval_s=900, at=T + 900)
    history.refreshed("national", "refused", interval_s=900, at=T + 1800)
    assert history.last_good(LIST) == T + 900
    assert {row.what: row.count for row in history.rows(T, T + 1)} == {
        "published": 1, "unchanged": 1, "refused": 1,
    }  # fmt: skip


def test_nothing_known_is_empty(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.rows(0, T) == []
    assert history.spans(LIST, 0, T) == []
    assert history.last_good(LIST) is None


def test_only_its_owner_may_read_it(history: History, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        history.add("sync", "started")
    finally:
        os.umask(old)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_the_oldest_hours_go_when_there_are_too_many(tmp_path: Path) -> None:
    History(tmp_path).add("sync", "started", at=T - HOUR_S)
    with sqlite3.connect(tmp_path / FILE) as database:
        hours = [(T + hour * HOUR_S, "sync", "started", 1, 0) for hour in range(KEPT_HOURS)]
        database.executemany("INSERT INTO hourly VALUES (?, ?, ?, ?, ?, NULL, NULL)", hours)
    History(tmp_path).add("sync", "started", at=T)
    rows = History(tmp_path).rows(0, T + 10)
    assert [row.hour for row in rows] == [T]


def test_a_clock_that_runs_ahead_by_years_costs_no_history(tmp_path: Path) -> None:
    History(tmp_path).add("sync", "started", at=T)
    History(tmp_path, clock=lambda: T + 10.0 * 365 * 86400).add("sync", "started")
    assert [row.hour for row in History(tmp_path).rows(T, T + 1)] == [T]


def _add_many(folder: Path, times: int) -> None:
    history = History(folder)
    for _ in range(times):
        history.add("sync", "started", at=T)


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(partial(_add_many, tmp_path), [20] * 3))
    assert History(tmp_path).rows(T, T + 1)[0].count == 60


def test_a_full_disk_costs_figures_and_one_line_of_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with small_disk(tmp_path, "64k") as folder, caplog.at_level(logging.WARNING):
        history = History(folder)
        history.add("sync", "started", at=T)
        (folder / "filler").write_bytes(b"x" * 4096)
        for number in range(500):
            history.add("sync", f"{number}" * 100, at=T)
        assert history.rows(T, T + 1)
    assert len(caplog.records) == 1


def test_a_missing_folder_costs_figures_and_never_raises(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(tmp_path / "gone")
    history.add("sync", "started")
    history.seen(LIST, good=True, patience_s=1)
    assert len(caplog.records) == 1


def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(StateError, match="history cannot be read"):
        History(tmp_path).rows(0, T)
    history = History(tmp_path)
    history.add("sync", "started", at=T)
    history.add("sync", "started", at=T)
    assert history.rows(T, T + 1)[0].count == 1
