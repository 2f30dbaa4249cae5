"""One process at a time: a lock file beside what it guards (flock(2); it ends with its holder)."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cop_filter.errors import StateError

_WAIT_S = 10.0


@contextmanager
def held(path: Path, *, to_read: bool = False) -> Iterator[None]:
    """Hold the lock file at `path`, alone or, `to_read`, beside other readers.

    A folder that was copied away to be read has no lock file, and needs none. Raises StateError when
    somebody does not let go of it, and OSError.
    """
    flags = os.O_RDONLY if to_read else os.O_WRONLY | os.O_CREAT
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileNotFoundError:
        if not to_read:
            raise
        yield
        return
    try:
        _take(descriptor, fcntl.LOCK_SH if to_read else fcntl.LOCK_EX, path.parent.name)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int, what: str) -> None:
    # Not for ever: a process that was stopped while it held the lock must not stop a role.
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StateError(
                    f"another process holds the {what} folder and does not let go; end that process"
                ) from None
            time.sleep(0.005)
        else:
            return
