"""What must not get out of this process past its loggers: its memory, and what Python says by itself.

A resolver's memory holds who asks for what, a publisher's holds lists in clear.
"""

import ctypes
import logging
import os
import resource
import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_KEY_LOGS = ("SSLKEYLOGFILE", "MITMPROXY_SSLKEYLOGFILE")
"""Where these say, TLS libraries write the keys of every connection."""
_log = logging.getLogger(__name__)


def keep() -> None:
    """Keep this process's secrets from here on; the first thing that every role and command does."""
    _keep_memory()
    for name in _KEY_LOGS:
        os.environ.pop(name, None)
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _thread_died


def _keep_memory() -> None:
    """No core dump, and no look into the memory by other processes of the same user.

    Both ways, because a core_pattern that leads to a program ignores the limit. Starting a program
    (execve) undoes the second, so each program says it again.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # There is no call for this in the standard library. It cannot fail with these arguments.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("ended by an exception", exc_info=(kind, error, trace))


def _unraisable(args: "UnraisableHookArgs") -> None:
    # Python's own hook prints the object in which it happened, be it a connection.
    if args.exc_value is not None:
        _log.error("an exception was ignored", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _thread_died(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log.error("a thread ended", exc_info=(args.exc_type, args.exc_value, args.exc_traceback))
