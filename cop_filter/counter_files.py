"""Room on disk for what this process counts, taken before anything is counted.

prometheus-client counts into sparse memory-mapped files. On a full disk, the first touch of a page that
has no block yet ends the process (SIGBUS): the filter would go down because it counts. So the blocks
are taken here; where that fails, the process counts in memory, and only its figures are missing.
"""

import logging
import os
from pathlib import Path

from prometheus_client import values

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
FILE_BYTES = 256 * 1024
"""Enough for a thousand sets of labels; the library goes on with twice as much where it is not."""

_KINDS = ("counter", "gauge_livemin", "gauge_livesum")
_log = logging.getLogger(__name__)


def reserve() -> bool:
    """Take the room; False when this process counts in memory, because there is none or nobody asked."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return False
    files = [Path(folder) / f"{kind}_{os.getpid()}.db" for kind in _KINDS]
    try:
        for file in files:
            _allocate(file)
    except OSError as error:
        for file in files:
            _forget(file)
        values.ValueClass = values.MutexValue
        _log.error("counters cannot be kept on disk (%s); this process's figures are missing", error.strerror)
        return False
    return True


def _allocate(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, max(FILE_BYTES, os.fstat(descriptor).st_size))
    finally:
        os.close(descriptor)


def _forget(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError:
        return  # a file that cannot be removed cannot be counted into either
