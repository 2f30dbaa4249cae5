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

from cop_filter import lifeline
from cop_filter.cli.exits import Exit
from dns_resolver.listeners import Listening

_NEVER_BETTER = frozenset({Exit.USAGE, Exit.STATE})
"""How a first worker ends that cannot start: starting it again would only repeat the message.

A later one is tried again, for its sisters still answer from a generation that the disk may have lost.
"""

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_RESTART_PAUSE_S = 1.0
_STOP_S = 6.0
_log = logging.getLogger(__name__)

Work = Callable[[Sequence[Listening]], Exit]


def supervise(shares: Sequence[Sequence[Listening]], work: Work, on_death: Callable[[], None]) -> Exit:
    """Run `work` once for each share, in a process of its own, until SIGTERM or SIGINT.

    `on_death` is called whenever a worker has ended.
    """
    waking, wake = os.pipe()
    os.set_blocking(wake, False)
    previous = signal.set_wakeup_fd(wake)
    for number in _STOP_SIGNALS:
        signal.signal(number, _noted)
    workers = [_start(share, work) for share in shares]
    first = tuple(workers)
    try:
        while waking not in (ready := wait([waking, *(worker.sentinel for worker in workers)])):
            for place, worker in enumerate(workers):
                if worker.sentinel not in ready:
                    continue
                worker.join()
                on_death()
                if worker.exitcode in _NEVER_BETTER and worker in first:
                    return Exit(worker.exitcode)
                _log.error("a worker ended with exit code %s and is replaced", worker.exitcode)
                if wait([waking], timeout=_RESTART_PAUSE_S):
                    return Exit.OK
                workers[place] = _start(shares[place], work)
        return Exit.OK
    finally:
        _stop(workers)
        on_death()
        signal.set_wakeup_fd(previous)
        os.close(waking)
        os.close(wake)


def _start(share: Sequence[Listening], work: Work) -> BaseProcess:
    # fork: the sockets and the configuration are there without being named on a command line.
    process = multiprocessing.get_context("fork").Process(target=_work, args=(share, work, os.getpid()))
    # A signal to the newborn must wait until it no longer has its parent's handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    return process


def _work(share: Sequence[Listening], work: Work, parent: int) -> None:
    signal.set_wakeup_fd(-1)
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    lifeline.end_with(parent)  # a worker must not outlive the process that holds its sockets
    raise SystemExit(int(work(share)))


def _stop(workers: Sequence[BaseProcess]) -> None:
    for worker in workers:
        if worker.is_alive():
            worker.terminate()
    for worker in workers:
        worker.join(_STOP_S)
        if worker.is_alive():
            worker.kill()
            worker.join()


def _noted(_number: int, _frame: object) -> None:
    """A handler must be there for the wakeup descriptor to be written; the loop does the rest."""
