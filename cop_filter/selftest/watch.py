"""The role that tests by itself, again and again, and writes down what it finds."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Literal, Protocol

from cop_filter import durable
from cop_filter.audit import Audit
from cop_filter.canaries import SELF_TEST
from cop_filter.config import Config
from cop_filter.errors import StateError
from cop_filter.history import GAP_INTERVALS, History
from cop_filter.selftest import round as rounds
from cop_filter.selftest.results import FILE, Result, Results, State, latest
from cop_filter.verdict import Plane

_log = logging.getLogger(__name__)

_SETTLE_S = 30.0
_SETTLE_POLL_S = 0.5


class Recorder(Protocol):
    """What is asked of the audit log."""

    def note(
        self, event: Literal["canary_failed", "canary_recovered"], **facts: str | int | None
    ) -> object: ...


def record(
    results: Results, before: Results | None, *, config: Config, history: History, audit: Recorder
) -> None:
    """Write results down in the history, and in the logs what has changed since `before`."""
    patience_s = GAP_INTERVALS * config.selftest.interval_s
    for list_id, plane in sorted({(one.list_id, one.plane) for one in results.results}):
        own = [one for one in results.results if (one.list_id, one.plane) == (list_id, plane)]
        state = results.state_of(list_id, plane)
        subject = f"canary:{list_id}:{plane}"
        if state is None:
            continue
        history.add(subject, state, at=results.at)
        if any(one.asked for one in own):
            history.seen(subject, good=state == "passed", patience_s=patience_s, at=results.at)
            if list_id == SELF_TEST:
                good = all(_enforces(one) for one in own)
                history.seen(f"enforcing:{plane}", good=good, patience_s=patience_s, at=results.at)
        _tell(state, None if before is None else before.state_of(list_id, plane), list_id, plane, audit)
    if results.generation is not None:
        history.measured("sync", "generation", results.generation, results.at)
    _note_silence(config, history, results.at)


def _enforces(result: Result) -> bool:
    """What is listed was blocked, and what is not was not. Dead upstreams are no fault in enforcing."""
    return result.state == "passed" if result.expects == "block" else result.state != "failed"


def _tell(state: State, before: State | None, list_id: str, plane: Plane, audit: Recorder) -> None:
    if state not in ("passed", before):
        _log.error("self-test: the canaries of list %s on %s: %s", list_id, plane, state)
        audit.note("canary_failed", list=list_id, plane=str(plane), state=state)
    elif state == "passed" and before not in ("passed", None):
        _log.info("self-test: the canaries of list %s on %s are blocked again", list_id, plane)
        audit.note("canary_recovered", list=list_id, plane=str(plane))


def _note_silence(config: Config, history: History, at: float) -> None:
    """How long ago the source of each list last confirmed what is in force."""
    for one in config.lists:
        with contextlib.suppress(StateError):
            checked_at = history.last_good(f"list:{one.id}")
            if checked_at is not None:
                history.measured(f"list:{one.id}", "unconfirmed_s", max(0.0, at - checked_at), at)


async def watch(config: Config, *, clock: Callable[[], float] = time.time) -> None:
    """Test at each interval until SIGTERM or SIGINT; a round that fails is said, and tried again."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with asyncio.TaskGroup() as group:
        testing = group.create_task(_test_for_ever(config, clock))
        await stopping.wait()
        testing.cancel()


async def _test_for_ever(config: Config, clock: Callable[[], float]) -> None:
    history, audit = History(config.state_dir), Audit(config)
    await _settle(config)
    while True:
        started = time.monotonic()
        await _round(config, history, audit, clock)
        await asyncio.sleep(max(0.0, config.selftest.interval_s - (time.monotonic() - started)))


async def _round(config: Config, history: History, audit: Recorder, clock: Callable[[], float]) -> None:
    before = latest(config.state_dir)
    try:
        results = await rounds.run(config, clock=clock)
    except StateError as error:
        _log.error("the self-test has nothing to ask for: %s", error)
        return
    await asyncio.to_thread(record, results, before, config=config, history=history, audit=audit)
    try:
        keep(config, results)
    except OSError as error:
        _log.error("what the self-test found cannot be written: %s", error.strerror)


def keep(config: Config, results: Results) -> None:
    """Leave the results for whoever shows them. Raises OSError."""
    durable.replace(config.state_dir / FILE, results.to_json().encode())


async def _settle(config: Config) -> None:
    """Wait until the listeners are there, but not for ever: they are started beside this role."""
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(StateError):
            found = await rounds.run(config)
            if not any(one.state == "unreachable" and one.asked for one in found.results):
                return
        await asyncio.sleep(_SETTLE_POLL_S)
