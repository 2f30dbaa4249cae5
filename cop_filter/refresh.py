"""One list, once: fetch -> parse -> guard -> publish. Whatever fails, the last good list stays in force."""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import aiohttp

from cop_filter import compiler, formats, guards, sources
from cop_filter.config import Config, ListConfig
from cop_filter.errors import CopFilterError, StateError
from cop_filter.events import Events
from cop_filter.ledger import Known, Ledger, Moment
from cop_filter.manifest import ListState
from cop_filter.schedule import next_delay_s
from cop_filter.store import Store

_log = logging.getLogger(__name__)

Progress = Callable[[str, str, int, int | None], None]
"""Called in the event loop with (list id, phase, done, total or None). Phases: `fetch` in bytes,
`parse` in lines, `publish` in entries; at the end the result, with the entries in force."""


class Outcome(NamedTuple):
    """How a refresh ended. `entries` and `generation` are what is in force after it."""

    result: Literal["published", "unchanged", "refused"]
    entries: int
    generation: int | None
    next_delay_s: float
    error: str | None = None
    state_fault: bool = False
    """True when not the list was refused: the state folder cannot serve, or another process publishes."""


class Refresher:
    """Refreshes the lists of one configuration into one state folder. Close it after use.

    Fetches run side by side. Parsing, compiling and publishing run in one thread, one list after
    the other, because each generation is made from the one before it.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        session: aiohttp.ClientSession,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        events: Events,
        progress: Progress | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._session = session
        self._clock = clock
        self._rng = rng
        self._events = events
        self._progress = progress
        self._ledger = Ledger(store)
        self._failures: dict[str, int] = {}
        self._lost = False
        self._forgotten = 0
        self._publisher = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Wait for a publish that is under way: it takes seconds, and then nothing is half done."""
        self._publisher.shutdown(wait=True, cancel_futures=True)

    async def apply_policy(self) -> bool:
        """Put the configuration's policy, exemptions and steering in force if they are not.

        True when the generation in force was found damaged since the last call: refresh every list now.
        Nothing happens before the first list: a generation that blocks nothing would only be
        something to roll back to by mistake. Raises StateError, OSError.
        """
        if await self._loop.run_in_executor(self._publisher, self._publish_policy):
            self._forget_sources()
        lost, self._lost = self._lost, False
        return lost

    def _forget_sources(self) -> None:
        """Have every list fetched whole, also those that are being asked for just now."""
        _log.error("the generation in force is damaged: every list is fetched whole")
        self._forgotten += 1
        self._lost = True
        for one in self._config.lists:
            self._ledger.forget(one)

    async def refresh(self, wanted: ListConfig) -> Outcome:
        """Try once to bring a list up to date, and note how it went.

        Every failure is in the outcome, be it a bug: one list must not stop the others.
        """
        try:
            accepted, result = await self._attempt(wanted, self._known(wanted))
            outcome = self._accept(wanted, accepted, result)
        except Exception as error:  # noqa: BLE001  see above
            outcome = self._refuse(wanted, error)
        self._events.refreshed(wanted.id, outcome.result)
        self._tell(wanted.id, outcome.result, outcome.entries, outcome.entries)
        return outcome

    def _known(self, wanted: ListConfig) -> Known:
        # Validators of a list that is not in force would earn a 304, and the list would never come.
        return Known() if self._in_force(wanted.id)[1] is None else self._ledger.known(wanted)

    async def _attempt(
        self, wanted: ListConfig, known: Known
    ) -> tuple[Known, Literal["published", "unchanged"]]:
        forgotten = self._forgotten
        answer = await sources.fetch(
            wanted,
            known.validators,
            session=self._session,
            rng=self._rng,
            memory=self._store.memory(wanted.id),
            held=known.digest,
            clock=self._clock,
            progress=lambda done, total: self._tell(wanted.id, "fetch", done, total),
        )
        if forgotten != self._forgotten:
            known = Known()
        if isinstance(answer, sources.NotModified):
            return known, "unchanged"
        accepted = Known(answer.validators, answer.digest)
        if answer.digest == known.digest:
            # Not published again: after a rollback, the older list holds until the authority's changes.
            return accepted, "unchanged"
        if await self._loop.run_in_executor(self._publisher, self._publish, wanted, answer):
            self._forget_sources()
        return accepted, "published"

    # ------------------------------------------------------------ in the publisher's thread

    def _publish_policy(self) -> bool:
        """True when the generation in force is damaged: then nothing is published.

        An older one may hold less than what is lost, and who has that in memory keeps it until there is
        something new; who starts now finds the older one by itself.
        """
        if compiler.damaged(self._store):
            return True
        if self._store.current() is not None and compiler.stale(self._store, self._config):
            with compiler.draft(self._store, self._config, clock=self._clock) as draft:
                number = draft.publish()
            _log.info("generation %d published: the policy has changed", number)
        return False

    def _publish(self, wanted: ListConfig, fetched: sources.Fetched) -> bool:
        """True when the generation that was in force is damaged: what it held of other lists is lost."""
        damaged = compiler.damaged(self._store)
        try:
            self._compile(wanted, fetched)
        finally:
            # Whoever still refers to the answer (a task, a traceback) no longer holds its bytes.
            fetched.raw.clear()
        return damaged

    def _compile(self, wanted: ListConfig, fetched: sources.Fetched) -> None:
        tally = guards.Tally()
        with compiler.draft(self._store, self._config, clock=self._clock) as draft:
            for chunk in formats.parse(
                fetched.raw,
                format=wanted.format,
                csv_column=wanted.csv_column,
                json_field=wanted.json_field,
            ):
                draft.replace(wanted.id, chunk.entries)
                tally.add(chunk)
                self._tell_from_thread(wanted.id, "parse", tally.lines, None)
            # Before the index is built, which needs the memory.
            fetched.raw.clear()
            reading = tally.reading(draft.count(wanted.id))
            in_force = draft.base_state(wanted.id)
            guards.check(reading, wanted, None if in_force is None else in_force.entries)
            self._tell_from_thread(wanted.id, "publish", 0, reading.entries)
            draft.publish({wanted.id: fetched.digest})
        if reading.bad_lines:
            _log.warning(
                "list %s: %d of %d lines are bad: %s",
                wanted.id, reading.bad_lines, reading.lines, guards.shown_errors(reading),
            )  # fmt: skip

    # ------------------------------------------------------------ afterwards

    def _accept(
        self, wanted: ListConfig, accepted: Known, result: Literal["published", "unchanged"]
    ) -> Outcome:
        self._failures.pop(wanted.id, None)
        delay_s = next_delay_s(wanted.interval_s, 0, None, self._rng)
        generation, in_force = self._in_force(wanted.id)
        self._ledger.accepted(wanted, accepted, in_force, self._moment(delay_s))
        entries = 0 if in_force is None else in_force.entries
        _log.info("list %s %s: %d entries, generation %s", wanted.id, result, entries, generation)
        return Outcome(result, entries, generation, delay_s)

    def _refuse(self, wanted: ListConfig, error: Exception) -> Outcome:
        failures = self._failures[wanted.id] = self._failures.get(wanted.id, 0) + 1
        asked_s = error.after_s if isinstance(error, sources.TryAgain) else None
        delay_s = next_delay_s(wanted.interval_s, failures, asked_s, self._rng)
        generation, in_force = self._in_force(wanted.id)
        said = reason(error)
        self._ledger.refused(wanted, said, in_force, self._moment(delay_s))
        _log.warning("list %s refused: %s", wanted.id, said)
        if not isinstance(error, CopFilterError | OSError):
            _log.error("list %s met a bug", wanted.id, exc_info=error)
        entries = 0 if in_force is None else in_force.entries
        in_state = isinstance(error, StateError)
        return Outcome("refused", entries, generation, delay_s, said, state_fault=in_state)

    def _in_force(self, list_id: str) -> tuple[int | None, ListState | None]:
        """The current generation, and what it holds of a list (None: it was never loaded, or is lost)."""
        try:
            number = self._store.current()
            lists = () if number is None else self._store.manifest(number).lists
        except StateError:
            return None, None
        for state in lists:
            if state.policy.id == list_id and state.published_at is not None:
                return number, state
        return number, None

    def _moment(self, delay_s: float) -> Moment:
        now = self._clock()
        return Moment(checked_at=now, next_try=now + delay_s)

    def _tell(self, list_id: str, phase: str, done: int, total: int | None) -> None:
        if self._progress is not None:
            self._progress(list_id, phase, done, total)

    def _tell_from_thread(self, list_id: str, phase: str, done: int, total: int | None) -> None:
        if self._progress is not None:
            self._loop.call_soon_threadsafe(self._tell, list_id, phase, done, total)


def reason(error: Exception) -> str:
    """Why, in words that hold no path, address or entry."""
    if isinstance(error, CopFilterError):
        return str(error)
    if isinstance(error, OSError):
        return f"the state folder cannot be written: {error.strerror or 'input/output error'}"
    return f"internal error ({type(error).__name__}); please report it"
