"""Keeps every list fresh: each in a task of its own, so that one that fails or hangs delays no other."""

import asyncio
import contextlib
import logging
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

from cop_filter import canaries, memory, refresh
from cop_filter.config import Config, ListConfig
from cop_filter.engine import Engine
from cop_filter.errors import ConfigError, CopFilterError, StateError
from cop_filter.events import Events
from cop_filter.loader import Generation
from cop_filter.push import listeners
from cop_filter.push.ports import Ports
from cop_filter.push.wakers import Wakers
from cop_filter.refresh import Outcome, Progress, Refresher
from cop_filter.rollout.controller import Controller, Settled
from cop_filter.selftest import decides
from cop_filter.sources import open_session
from cop_filter.store import Store

__all__ = ["Outcome", "Progress", "run_once", "watch"]

_log = logging.getLogger(__name__)


_POLICY_CHECK_S = 60.0
_KEY_CHECK_S = 300.0
_SPARE_THREADS = 4


async def run_once(
    config: Config,
    *,
    progress: Progress | None = None,
    only: Collection[str] | None = None,
    events: Events | None = None,
) -> dict[str, Outcome]:
    """Refresh all lists, or those with the ids `only`, once and side by side; outcomes by list id.

    Raises StateError when the state folder cannot serve or another process is publishing, and
    ConfigError when `only` names a list that is not configured.
    """
    wanted = _select(config, only)
    async with _refresher(config, progress, events) as refresher:
        await _settle(config, refresher)
        await refresher.apply_policy()
        await _renewed(refresher)
        outcomes = await asyncio.gather(*map(refresher.refresh, wanted))
    for outcome in outcomes:
        if outcome.state_fault:
            raise StateError(outcome.error)
    return {one.id: outcome for one, outcome in zip(wanted, outcomes, strict=True)}


async def watch(
    config: Config,
    *,
    progress: Progress | None = None,
    events: Events | None = None,
    ports: Ports | None = None,
) -> None:
    """Refresh every list at its interval, and when somebody says that it has changed.

    Until SIGTERM, SIGINT or cancellation; SIGHUP: all of them now. `ports` are those where pushes come in,
    if they are bound already. Raises StateError when the state folder cannot serve at the start, and
    ConfigError when nobody could push; what fails later is noted and tried again.
    """
    stop = asyncio.Event()
    wakers = Wakers(one.id for one in config.lists)
    events = events if events is not None else Events()
    handlers = {signal.SIGTERM: stop.set, signal.SIGINT: stop.set, signal.SIGHUP: wakers.wake_all}
    with contextlib.closing(ports if ports is not None else Ports.bind(config.push)) as bound:
        async with _refresher(config, progress, events) as refresher:
            with _signals(handlers):
                async with listeners.listening(config, bound, wakers, events), asyncio.TaskGroup() as group:
                    tasks = [group.create_task(_keep_policy(refresher, wakers.wake_all))]
                    tasks.append(group.create_task(_keep_key(refresher)))
                    tasks.append(group.create_task(_rollout(config, refresher, wakers).run()))
                    tasks += [group.create_task(_keep(refresher, one, wakers)) for one in config.lists]
                    await stop.wait()
                    for task in tasks:
                        task.cancel()
    _log.info("sync stopped")


async def _settle(config: Config, refresher: Refresher) -> None:
    """What an earlier run put on trial, and nobody has settled since; it must not keep lists from coming."""
    try:
        settled = await asyncio.to_thread(Controller(config, Store.of(config), failing=_failing).step)
    except (CopFilterError, OSError) as error:
        _log.error("the trial could not be settled: %s", refresh.reason(error))
    else:
        refresher.forget(frozenset(() if settled is None else settled.digests))


async def _keep(refresher: Refresher, wanted: ListConfig, wakers: Wakers) -> None:
    while True:
        outcome = await refresher.refresh(wanted)
        await wakers.wait(wanted.id, outcome.next_delay_s)


async def _keep_key(refresher: Refresher) -> None:
    while True:
        await _renewed(refresher)
        await asyncio.sleep(_KEY_CHECK_S)


async def _renewed(refresher: Refresher) -> None:
    try:
        await refresher.renew()
    except (CopFilterError, OSError) as error:
        _log.error("the newer key waits, the older one stays in use: %s", refresh.reason(error))


async def _keep_policy(refresher: Refresher, wake_all: Callable[[], None]) -> None:
    # Again and again, because a rollback brings an older policy back with its lists.
    while True:
        try:
            if await refresher.apply_policy():
                wake_all()
        except (CopFilterError, OSError) as error:
            _log.error("the policy could not be published: %s", refresh.reason(error))
        await asyncio.sleep(_POLICY_CHECK_S)


def _rollout(config: Config, refresher: Refresher, wakers: Wakers) -> Controller:
    """Who settles trials; what a failed one had brought is asked for anew, and then goes to quarantine."""

    def settled(how: Settled) -> None:
        if how.outcome == "lost":
            wakers.wake_all()
        refresher.forget(frozenset(how.digests))
        for list_id in how.digests:
            wakers.wake(list_id)

    return Controller(config, Store.of(config), failing=_failing, on_settled=settled)


def _failing(generation: Generation) -> set[str]:
    engine = Engine(generation.snapshot())
    return {failure.list_id for failure in decides(engine, canaries.of_generation(generation))}


def _select(config: Config, only: Collection[str] | None) -> list[ListConfig]:
    if only is None:
        return list(config.lists)
    known = [one.id for one in config.lists]
    unknown = sorted(set(only).difference(known))
    if unknown:
        raise ConfigError([f"no list is called {one!r}; choose from: {', '.join(known)}" for one in unknown])
    return [one for one in config.lists if one.id in only]


@contextlib.asynccontextmanager
async def _refresher(
    config: Config, progress: Progress | None, events: Events | None
) -> AsyncIterator[Refresher]:
    memory.keep_large_apart()
    store = Store.of(config)
    store.prepare()
    store.keys()
    # Looking up names blocks a thread of this pool; dead name servers of some lists must leave some free.
    pool = ThreadPoolExecutor(_SPARE_THREADS + 2 * len(config.lists), thread_name_prefix="fetch")
    asyncio.get_running_loop().set_default_executor(pool)
    async with open_session() as session:
        refresher = Refresher(
            config,
            store,
            session,
            clock=time.time,
            rng=random.SystemRandom(),
            events=events if events is not None else Events(),
            progress=progress,
        )
        try:
            yield refresher
        finally:
            refresher.close()


@contextlib.contextmanager
def _signals(handlers: dict[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    try:
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
    except (ValueError, RuntimeError):
        _log.debug("not in the main thread: signals are somebody else's")
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
