"""The folder that all processes count into (prometheus-client's multiprocess mode).

One memory-mapped file for each kind of metric and process id. Counters of dead processes are kept
while the service runs, so that totals never fall; their gauges speak of nothing any more.
"""

import contextlib
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cop_filter import durable

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Must be in a process's environment before prometheus_client is imported there."""

_USED_BYTES = slice(0, 4)
"""Where a file says how much of it is used (prometheus_client.mmap_dict)."""
_log = logging.getLogger(__name__)

_FILE = re.compile(r"(?P<kind>counter|gauge|histogram|summary)(?:_[a-z]+)?_(?P<pid>\d+)\.db", re.ASCII)


def counters_dir(state_dir: Path) -> Path:
    """Where the processes of one state folder count."""
    return state_dir / "metrics"


class CounterFile(NamedTuple):
    """What one process counted, or one kind of it; `kind` is counter, gauge, histogram or summary."""

    path: Path
    kind: str
    pid: int

    @property
    def alive(self) -> bool:
        """False when the process is no more."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return True
        return True


def files(folder: Path) -> Iterator[CounterFile]:
    """The files of all processes in the order of their names. Raises OSError."""
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match:
            yield CounterFile(path, match["kind"], int(match["pid"]))


def prepare(state_dir: Path) -> Path:
    """Make the folder, private to the service, and drop what dead processes of earlier runs left.

    On a full or read-only disk this may fail, which is told and no more: a filter that cannot count
    still has to filter.
    """
    folder = counters_dir(state_dir)
    try:
        durable.make_folder(folder)
        folder.chmod(0o700)
        for file in files(folder):
            if not file.alive:
                file.path.unlink(missing_ok=True)
    except OSError as error:
        _log.error("the folder of the counters cannot be prepared: %s", error.strerror)
    return folder


def forget_gauges(folder: Path) -> None:
    """Drop the gauges of dead processes: a dead worker must not be reported as lagging for ever.

    Their counters give back the room that they do not need, lest a role that keeps dying fill the disk.
    """
    with contextlib.suppress(OSError):
        for file in files(folder):
            if file.alive:
                continue
            if file.kind == "gauge":
                file.path.unlink(missing_ok=True)
            else:
                _shrink(file.path)


def _shrink(path: Path) -> None:
    with path.open("r+b") as file:
        used = int.from_bytes(file.read(_USED_BYTES.stop), sys.byteorder)
        if 0 < used < path.stat().st_size:
            file.truncate(used)
