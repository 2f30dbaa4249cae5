"""Ties a child's life to its parent's.

Whoever kills the parent (the OOM killer, `kill -9`) would otherwise leave children behind that hold
the ports, and the next start would fail. There is no call for this in the standard library.
"""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_GET_PDEATHSIG = 2


def end_with(parent: int) -> None:
    """Have the kernel send SIGTERM to this process when `parent`, its parent, ends; end now if it has.

    Taking on another user undoes it (prctl(2)): say it again behind that.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # It died in between, and the signal will never come.
        os._exit(1)


def is_tied() -> bool:
    """Whether this process ends with its parent."""
    number = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(number))
    return number.value != 0
