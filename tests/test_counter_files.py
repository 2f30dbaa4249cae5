"""Counting on a disk that is full, or not there: figures may go missing, the process may not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_disk import small_disk

from cop_filter import counter_files
from cop_filter.report import counters

COUNT = """
from cop_filter.events import Events
events = Events()
for number in range(500):
    events.dns(f"event_{number}")
"""

FILL = """
import os
with open(os.environ["PROMETHEUS_MULTIPROC_DIR"] + "/full", "wb", 0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
"""


def count_in(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, counters.VARIABLE: str(folder)}
    return subprocess.run(
        [sys.executable, "-c", COUNT], env=environment, capture_output=True, text=True, check=False
    )


def test_both_modules_mean_the_same_variable() -> None:
    assert counter_files.VARIABLE == counters.VARIABLE


def test_a_full_disk_costs_the_figures_and_not_the_process(tmp_path: Path) -> None:
    with small_disk(tmp_path, "1m") as disk:
        (disk / "full").write_bytes(bytes(2**20))
        done = count_in(disk)
        assert done.returncode == 0, done.stderr
        assert "figures are missing" in done.stderr
        assert list(disk.glob("*.db")) == []


def test_a_disk_that_fills_up_later_does_not_end_who_counts(tmp_path: Path) -> None:
    code = COUNT.replace("for ", FILL + "for ")
    with small_disk(tmp_path, "2m") as disk:
        environment = {**os.environ, counters.VARIABLE: str(disk)}
        assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
        assert os.statvfs(disk).f_bavail == 0


def test_without_the_folder_a_process_counts_in_memory(tmp_path: Path) -> None:
    assert count_in(tmp_path / "missing").returncode == 0


def test_the_dead_give_back_room_and_keep_their_totals(tmp_path: Path) -> None:
    assert count_in(tmp_path).returncode == 0
    (file,) = tmp_path.glob("counter_*.db")
    assert file.stat().st_size == counter_files.FILE_BYTES
    counters.forget_gauges(tmp_path)
    assert file.stat().st_size < counter_files.FILE_BYTES / 2
    content = file.read_bytes()
    assert b"event_0" in content
    assert b"event_499" in content
    counters.forget_gauges(tmp_path)
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_prepared_is_told_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    assert counters.prepare(tmp_path / "state") == tmp_path / "state" / "metrics"
    assert "cannot be prepared" in caplog.text
