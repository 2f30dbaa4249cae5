"""One list, once: fetch -> admission -> notes. Whatever fails, the last good list stays in force."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import aiohttp

from cop_filter import sources
from cop_filter.admission import Admission, Admitted
from cop_filter.chronicle import Chronicle
from cop_filter.config import Config, ListConfig
from cop_filter.errors import CopFilterError, GuardFailed, Held, ListRefused, StateError
from cop_filter.events import Events
from cop_filter.ledger import Known, Ledger, Moment
from cop_filter.manifest import ListState
from cop_filter.schedule import next_delay_s
from cop_filter.sources import Fetched, NotModified
from cop_filter.store import Store

_log = logging.getLogger(__name__)

Progress = Callable[[str, str, int, int | None], None]
"""Called in the event loop with (list id, phase, done, total or None). Phases: `fetch` in bytes,
`parse` in lines, `publish` in entries; at the end the result, with the entries in force."""

Result = Literal["published", "unchanged", "refused"]


class Outcome(NamedTuple):
    """How a refresh ended. `entries` and `generation` are what is in force (or on trial) after it."""

    result: Result
    entries: int
    generation: int | None
    next_delay_s: float
    error: str | None = None
    state_fault: bool = False
    """True when not the list was refused: the state folder cannot serve, or another process publishes."""


class Refresher:
    """Refreshes the lists of one configuration into one state folder. Close it after use.

    Fetches run side by side; what follows runs in one thread, one list after the other.
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
        self._progress = progress
        self._ledger = Ledger(store)
        self._chronicle = Chronicle(config, events, clock)
        self._admission = Admission(config, store, self._ledger, self._chronicle, clock)
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
        Raises StateError, OSError.
        """
        await self._policy()
        lost, self._lost = self._lost, False
        return lost

    async def _policy(self) -> None:
        if await self._loop.run_in_executor(self._publisher, self._admission.policy):
            self._forget_sources()

    def _forget_sources(self) -> None:
        """Have every list fetched whole, also those that are being asked for just now."""
        _log.error("the generation in force is damaged: every list is fetched whole")
        self._forgotten += 1
        self._lost = True
        for one in self._config.lists:
            self._ledger.forget(one)

    def forget(self, list_ids: frozenset[str]) -> None:
        """Have these lists fetched whole: what was accepted last of them was taken out of force."""
        for one in self._config.lists:
            if one.id in list_ids:
                self._ledger.forget(one)

    async def refresh(self, wanted: ListConfig) -> Outcome:
        """Try once to bring a list up to date, and note how it went.

        Every failure is in the outcome, be it a bug: one list must not stop the others.
        """
        try:
            known, admitted = await self._attempt(wanted)
            outcome = self._accept(wanted, known, admitted)
            await self._enforce_again(wanted)
        except Exception as error:  # noqa: BLE001  see above
            outcome = self._refuse(wanted, error)
        self._tell(wanted.id, outcome.result, outcome.entries, outcome.entries)
        return outcome

    async def _enforce_again(self, wanted: ListConfig) -> None:
        """A list that was only observed, because it was stale, is enforced as soon as it is heard of."""
        in_force = self._in_force(wanted.id)[1]
        if in_force is None or in_force.policy.mode == wanted.mode:
            return
        try:
            await self._policy()
        except (CopFilterError, OSError) as error:
            _log.error("list %s is still only observed: %s", wanted.id, reason(error))

    async def _attempt(self, wanted: ListConfig) -> tuple[Known, Admitted | None]:
        """What the source has now, and what became of it; None: it is in force already."""
        forgotten = self._forgotten
        known = self._known(wanted)
        answer = await self._fetch(wanted, known)
        if forgotten != self._forgotten:
            known = Known()
        if isinstance(answer, NotModified):
            return known._replace(vouched=answer.vouched or known.vouched), None
        accepted = Known(answer.validators, answer.digest, answer.vouched)
        if answer.digest == known.digest:
            # Not published again: after a rollback, the older list holds until the authority's changes.
            return accepted, None
        return accepted, await self._admit(wanted, answer)

    async def _fetch(self, wanted: ListConfig, known: Known) -> Fetched | NotModified:
        return await sources.fetch(
            wanted,
            known.validators,
            session=self._session,
            rng=self._rng,
            memory=self._store.memory(wanted.id),
            held=known.digest,
            clock=self._clock,
            progress=lambda done, total: self._tell(wanted.id, "fetch", done, total),
        )

    def _known(self, wanted: ListConfig) -> Known:
        # Validators of a version that is not in force would earn a 304, and it would never come.
        in_force, known = self._in_force(wanted.id)[1], self._ledger.known(wanted)
        return known if in_force is not None and in_force.digest == known.digest else Known()

    async def renew(self) -> bool:
        """Publish all lists under a newer key, if one waits; True when that was done.

        Every list that is in force is fetched whole for it. Raises what stood in the way, a list's refusal
        or the state's; the older key stays in use then, and the next call tries again.
        """
        if not self._store.rotation_due():
            return False
        lists = [one for one in self._config.lists if self._in_force(one.id)[1] is not None]
        answers = await asyncio.gather(*(self._fetch(one, Known()) for one in lists))
        fetched = {
            one.id: answer for one, answer in zip(lists, answers, strict=True) if isinstance(answer, Fetched)
        }
        admitted = await self._loop.run_in_executor(self._publisher, self._admission.renew, fetched)
        for one in lists:
            answer = fetched[one.id]
            known = Known(answer.validators, answer.digest, answer.vouched)
            self._accept(one, known, admitted[one.id])
        return True

    async def _admit(self, wanted: ListConfig, fetched: Fetched) -> Admitted:
        try:
            return await self._in_publisher(wanted, fetched)
        except GuardFailed:
            raise
        except ListRefused as refusal:
            if fetched.base is None:
                raise
            _log.warning("list %s: %s", wanted.id, refusal)
        whole = await self._fetch(wanted, Known())
        if isinstance(whole, NotModified):
            raise ListRefused("the source sends only what changed, which does not fit what is held")
        return await self._in_publisher(wanted, whole)

    async def _in_publisher(self, wanted: ListConfig, fetched: Fetched) -> Admitted:
        done: Counter[str] = Counter()

        def tell(phase: str, more: int, total: int | None) -> None:
            done[phase] += more
            if self._progress is not None:
                self._loop.call_soon_threadsafe(self._tell, wanted.id, phase, done[phase], total)

        admitted = await self._loop.run_in_executor(
            self._publisher, self._admission.admit, wanted, fetched, tell
        )
        if admitted.damaged:
            self._forget_sources()
        return admitted

    # ------------------------------------------------------------ afterwards

    def _accept(self, wanted: ListConfig, known: Known, admitted: Admitted | None) -> Outcome:
        self._failures.pop(wanted.id, None)
        delay_s = next_delay_s(wanted.interval_s, 0, None, self._rng)
        generation, in_force = self._in_force(wanted.id)
        moment = self._moment(delay_s)
        report = None if admitted is None else admitted.report
        went_in = None if report is None else report.accepted(moment.checked_at)
        self._ledger.accepted(wanted, known, in_force, moment, went_in)
        if admitted is None or report is None:
            self._chronicle.unchanged(wanted)
        else:
            version = None if known.vouched is None else known.vouched.version
            self._chronicle.published(wanted, admitted.generation, report, known.digest or "", version)
        if in_force is not None and in_force.published_at is not None:
            self._chronicle.aged(wanted.id, moment.checked_at - in_force.published_at)
        entries = 0 if in_force is None else in_force.entries
        result: Result = "unchanged" if admitted is None else "published"
        _log.info("list %s %s: %d entries, generation %s", wanted.id, result, entries, generation)
        return Outcome(result, entries, generation, delay_s)

    def _refuse(self, wanted: ListConfig, error: Exception) -> Outcome:
        failures = self._failures[wanted.id] = self._failures.get(wanted.id, 0) + 1
        asked_s = error.after_s if isinstance(error, sources.TryAgain) else None
        delay_s = next_delay_s(wanted.interval_s, failures, asked_s, self._rng)
        generation, in_force = self._in_force(wanted.id)
        said = reason(error)
        self._chronicle.refused(wanted, error, before=self._ledger.last_error(wanted))
        self._ledger.refused(wanted, said, in_force, self._moment(delay_s))
        _log.warning("list %s refused: %s", wanted.id, said)
        if not isinstance(error, CopFilterError | OSError):
            _log.error("list %s met a bug", wanted.id, exc_info=error)
        entries = 0 if in_force is None else in_force.entries
        in_state = isinstance(error, StateError) and not isinstance(error, Held)
        return Outcome("refused", entries, generation, delay_s, said, state_fault=in_state)

    def _in_force(self, list_id: str) -> tuple[int | None, ListState | None]:
        """The newest generation, and what it holds of a list (None: it was never loaded, or is lost)."""
        try:
            number = self._store.newest()
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


def reason(error: Exception) -> str:
    """Why, in words that hold no path, address or entry."""
    if isinstance(error, CopFilterError):
        return str(error)
    if isinstance(error, OSError):
        return f"the state folder cannot be written: {error.strerror or 'input/output error'}"
    return f"internal error ({type(error).__name__}); please report it"
