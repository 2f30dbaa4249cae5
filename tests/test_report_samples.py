"""Reading what other processes count: each by itself, and without touching anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cop_filter.report import counters, samples
from cop_filter.report.samples import Series, take

HITS = Series("cop_filter_dns_events_total", (("event", "cache_hit"),))
IN_FORCE = Series("cop_filter_generation_in_force", (("role", "dns"),))
COUNT = """
import sys
from cop_filter.events import Events
events = Events()
events.dns("cache_hit", {hits})
events.generation("dns", 7)
events.cached(10, 2000)
print("counted", flush=True)
for _ in sys.stdin:
    events.dns("cache_hit")
    print("counted", flush=True)
"""


def counting(folder: Path, hits: int) -> subprocess.Popen[str]:
    """A process that has counted, and lives until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT.format(hits=hits)],
        env={**os.environ, counters.VARIABLE: str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def test_counters_are_kept_apart_by_process_and_gauges_are_put_together(tmp_path: Path) -> None:
    one, two = counting(tmp_path, 3), counting(tmp_path, 4)
    found = take(tmp_path, 100.0)
    assert (found.at_s, found.processes) == (100.0, 2)
    assert {pid: totals[HITS] for pid, totals in found.counted.items()} == {one.pid: 3, two.pid: 4}
    assert found.gauges[IN_FORCE] == 7
    assert found.enforcing == {one.pid: 7, two.pid: 7}
    assert found.gauges[Series("cop_filter_dns_cache_answers")] == 20
    one.communicate()
    two.communicate()


def test_the_dead_keep_their_totals_and_have_no_gauges_though_nothing_is_removed(tmp_path: Path) -> None:
    dead = counting(tmp_path, 3)
    dead.communicate()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found = take(tmp_path, 0)
    assert found.counted[dead.pid][HITS] == 3
    assert (found.gauges, found.processes) == ({}, 0)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("busy_looks", "hits"), [(1, 4), (9, 6)])
def test_a_file_that_changes_meanwhile_is_looked_at_again_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy_looks: int, hits: int
) -> None:
    process = counting(tmp_path, 3)
    assert process.stdin is not None
    assert process.stdout is not None
    merge, looks = samples.MultiProcessCollector.merge, 0

    def merge_while_it_counts(files: list[str]) -> object:
        nonlocal looks
        found = merge(files)
        if looks < busy_looks and any("counter" in file for file in files):
            looks += 1
            print(file=process.stdin, flush=True)
            process.stdout.readline()
        return found

    monkeypatch.setattr(samples.MultiProcessCollector, "merge", staticmethod(merge_while_it_counts))
    assert take(tmp_path, 0).counted[process.pid][HITS] == hits
    process.communicate()


def test_a_process_that_is_about_to_count_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    assert take(tmp_path, 0).counted == {}


def test_without_the_folder_nothing_is_counted(tmp_path: Path) -> None:
    found = take(tmp_path / "missing", 0)
    assert (found.counted, found.gauges, found.processes) == ({}, {}, 0)
