"""Several resolver processes on the same ports (SO_REUSEPORT).

The parent binds every worker's sockets and keeps them: while a worker that died is replaced, its
queries wait in its socket instead of being lost.
"""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from dns_resolver.listeners import Listening

FATAL = 2
"""Exit code of a worker that can never start: wrong configuration or state. Nothing is restarted."""

_RESTART_PAUSE_S = 1.0
_STOP_S = 10.0
_log = logging.getLogger("cop_filter.dns")

Work = Callable[[Sequence[Listening]], int]


def supervise(shares: Sequence[Sequence[Listening]], work: Work, on_death: Callable[[int], None]) -> int:
    """Run `work` once for each share, in a process of its own, until SIGTERM or SIGINT.

    `on_death` is told the pid of every worker that ended. Exit code 0, or FATAL.
    """
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    previous = signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _noted)
    workers = [_start(share, work) for share in shares]
    exit_code = 0
    try:
        while waking not in (ready := wait([waking, *(worker.sentinel for worker in workers)])):
            for place, worker in enumerate(workers):
                if worker.sentinel not in ready:
                    continue
                worker.join()
                on_death(worker.pid or 0)
                if worker.exitcode == FATAL:
                    return FATAL
                _log.error("a worker ended with exit code %s and is replaced", worker.exitcode)
                if wait([waking], timeout=_RESTART_PAUSE_S):
                    return exit_code
                workers[place] = _start(shares[place], work)
        return exit_code
    finally:
        _stop(workers, on_death)
        signal.set_wakeup_fd(previous)
        os.close(waking)
        os.close(wake)


def _start(share: Sequence[Listening], work: Work) -> BaseProcess:
    # fork: the sockets and the configuration are there without being named on a command line.
    process = multiprocessing.get_context("fork").Process(target=_work, args=(share, work))
    process.start()
    return process


def _work(share: Sequence[Listening], work: Work) -> None:
    signal.set_wakeup_fd(-1)
    raise SystemExit(work(share))


def _stop(workers: Sequence[BaseProcess], on_death: Callable[[int], None]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
    for worker in workers:
        worker.join(_STOP_S)
        if worker.is_alive():
            worker.kill()
            worker.join()
        on_death(worker.pid or 0)


def _noted(_number: int, _frame: object) -> None:
    """A handler must be there for the wakeup descriptor to be written; the loop does the rest."""
