"""What runs in processes of its own, so that it can be killed at any point."""

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from stage import Stage

from cop_filter import sync
from cop_filter.config import Config

HASTE_S = 0.5


def fork(run: Callable[[], None], output: Path) -> int:
    """Run something in a child whose every word goes to a file; its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        run()
        code = 0
    except BaseException as error:  # noqa: BLE001  a child must never go on as its parent
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(child: int, within_s: float) -> bool:
    """Wait for the end of a child, not for longer than that."""
    descriptor = os.pidfd_open(child)
    try:
        return bool(select.select([descriptor], [], [], within_s)[0])
    finally:
        os.close(descriptor)


def end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def hasty(config: Config) -> Config:
    """One that gives up on a server soon."""
    return replace(config, lists=tuple(replace(one, timeout_s=HASTE_S) for one in config.lists))


def refresh(stage: Stage, firsts: Sequence[Callable[[], None]] = (), kill_after_s: float = 60.0) -> None:
    """One `cop-filter sync` in a process of its own, which is killed when its time is over.

    With `firsts` something is wrong: a server that says nothing is then not waited for as long as a
    good one is on a busy machine.
    """
    config = hasty(stage.config) if firsts else stage.config

    def run() -> None:
        for first in firsts:
            first()
        asyncio.run(sync.run_once(config))

    child = fork(run, stage.folder / "said")
    ended(child, kill_after_s)
    end(child)
