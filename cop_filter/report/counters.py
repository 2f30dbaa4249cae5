"""The folder that all processes count into (prometheus-client's multiprocess mode).

One memory-mapped file for each kind of metric and process id. Counters of dead processes are kept
while the service runs, so that totals never fall; their gauges speak of nothing any more.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Must be in a process's environment before prometheus_client is imported there."""

_FILE = re.compile(r"(?P<kind>counter|gauge|histogram|summary)(?:_[a-z]+)?_(?P<pid>\d+)\.db", re.ASCII)


def counters_dir(state_dir: Path) -> Path:
    """Where the processes of one state folder count."""
    return state_dir / "metrics"


def prepare(state_dir: Path) -> Path:
    """Make the folder, private to the service, and drop what dead processes of earlier runs left.

    Raises OSError when the folder cannot be made.
    """
    folder = counters_dir(state_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for path, _, pid in _files(folder):
        if not _alive(pid):
            path.unlink(missing_ok=True)
    return folder


def forget_gauges(folder: Path) -> None:
    """Drop the gauges of dead processes: a dead worker must not be reported as lagging for ever."""
    for path, kind, pid in _files(folder):
        if kind == "gauge" and not _alive(pid):
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[tuple[Path, str, int]]:
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match:
            yield path, match["kind"], int(match["pid"])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
