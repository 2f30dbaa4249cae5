"""Watches the generation on trial, and puts it in force everywhere or takes it back."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cop_filter.audit import Audit
from cop_filter.config import Config
from cop_filter.errors import CopFilterError, StateError
from cop_filter.loader import Generation, open_generation
from cop_filter.report.counters import counters_dir
from cop_filter.report.samples import Sample, take
from cop_filter.rollout import baseline
from cop_filter.rollout.figures import Totals, since, together, totals
from cop_filter.rollout.judge import Judgement, judge
from cop_filter.rollout.processes import Processes
from cop_filter.setbacks import Setback
from cop_filter.store import Store
from cop_filter.trial import Trial

_log = logging.getLogger(__name__)

POLL_S = 1.0
_LOCK_PATIENCE_S = 30.0

Failing = Callable[[Generation], Collection[str]]
"""The lists whose canaries a generation lets pass."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a trial ended. `digests`: the lists that it had brought in another version (taken back only).

    lost: the generation was damaged meanwhile. Nothing was found against what it held: that is to come again.
    """

    outcome: Literal["promoted", "taken back", "lost"]
    generations: tuple[int, ...]
    reason: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


class Controller:
    """Settles the trials of one state folder. Used by one thread at a time.

    `look` reads what all processes counted; `failing` is asked once for each generation. Whoever
    constructs it anew goes on where the last one was.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        failing: Failing = lambda _: (),
        look: Callable[[], Sample] | None = None,
        clock: Callable[[], float] = time.time,
        on_settled: Callable[[Settled], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._store = store
        self._failing = failing
        self._look = look or (lambda: take(counters_dir(config.state_dir), clock()))
        self._clock = clock
        self._on_settled = on_settled
        self._audit = Audit(config, clock=clock)
        self._baselines: dict[int, Totals] | None = None
        self._canaries: dict[int, frozenset[str]] = {}
        self._processes = Processes()

    async def run(self, poll_s: float = POLL_S) -> None:
        """Look again and again until cancelled; `on_settled` is called in the event loop."""
        while True:
            try:
                settled = await asyncio.to_thread(self.step)
                if settled is not None:
                    self._on_settled(settled)
            except (CopFilterError, OSError) as error:
                why = error if isinstance(error, CopFilterError) else error.strerror
                _log.error("the trial could not be settled, and is looked at again: %s", why)
            except Exception:  # noqa: BLE001  a bug here must not end the role that refreshes lists
                _log.exception("watching the trial met a bug")
            await asyncio.sleep(poll_s)

    def step(self) -> Settled | None:
        """Look once, and act on it. Raises StateError, OSError; then nothing has changed."""
        if (finished := self._finish()) is not None:
            return finished
        trial = self._store.trial()
        if trial is None:
            self._baselines = {}
            return None
        judgement = self._judge(trial)
        if judgement.verdict == "fail":
            return self._take_back(judgement.reason)
        if judgement.verdict == "pass":
            return self._promote(trial.steps[0].generation)
        return None

    # ------------------------------------------------------------ judging

    def _judge(self, trial: Trial) -> Judgement:
        sample = self._look()
        now = totals(sample)
        begun = self._begun(trial, now)
        self._processes.see(sample.enforcing, [step.generation for step in trial.steps])
        on_trial = self._processes.on_trial
        lists = self._canaries_of(trial.newest)
        soaked = trial.due(self._clock())
        # Each by what was counted since it began: a good start must not outweigh a bad successor.
        found = [
            judge(
                together(begun[trial.steps[0].generation]),
                since(begun[step.generation], now, on_trial, self._processes.ended(on_trial=True)),
                since(
                    begun[step.generation],
                    now,
                    now.keys() - on_trial,
                    self._processes.ended(on_trial=False),
                ),
                canaries_of=lists,
                soaked=soaked,
                limits=self._config.rollout,
            )
            for step in trial.steps
        ]
        return next((one for one in found if one.verdict == "fail"), found[0])

    def _begun(self, trial: Trial, now: Totals) -> dict[int, Totals]:
        """What had been counted when each generation went on trial."""
        known = self._baselines
        if known is None:
            known = baseline.load(self._config.state_dir)
        begun = {step.generation: known.get(step.generation, now) for step in trial.steps}
        if begun.keys() != known.keys():
            baseline.keep(self._config.state_dir, begun)
        for number in begun.keys() - known.keys():
            _log.info("generation %d is on trial", number)
            self._audit.note("rollout_started", generation=number)
            self._processes = Processes()
        self._baselines = begun
        return begun

    def _canaries_of(self, number: int) -> frozenset[str]:
        if number not in self._canaries:
            try:
                generation = open_generation(self._store, number)
            except StateError as error:
                # Nobody can enforce it; the next publish notices too, and replaces it.
                _log.error("generation %d is on trial and cannot be opened: %s", number, error)
                return frozenset()
            self._canaries = {number: frozenset(self._failing(generation))}
        return self._canaries[number]

    # ------------------------------------------------------------ acting

    def _promote(self, number: int) -> Settled | None:
        try:
            open_generation(self._store, number)
        except StateError as error:
            return self._lose(number, error)
        with self._store.writer(_LOCK_PATIENCE_S):
            if not self._store.stages.promote(number):
                return None
        _log.info("generation %d has passed its trial and is in force", number)
        self._audit.note("rollout_passed", generation=number)
        return Settled("promoted", (number,))

    def _lose(self, number: int, damage: StateError) -> Settled | None:
        """What is damaged by now must not be in force, nor keep what is newer from being so."""
        with self._store.writer(_LOCK_PATIENCE_S):
            if not self._store.stages.lose(number):
                return None
        _log.error("generation %d was damaged while it was on trial, and is dropped: %s", number, damage)
        self._audit.note("rollout_failed", generation=number)
        return Settled("lost", (number,), str(damage))

    def _take_back(self, reason: str) -> Settled | None:
        with self._store.writer(_LOCK_PATIENCE_S):
            setback = self._store.stages.take_back(reason, self._clock())
        return None if setback is None else self._told(setback)

    def _finish(self) -> Settled | None:
        """Do what a process that was killed while it took a generation back has left to do."""
        if not self._store.stages.half_taken_back():
            return None
        with self._store.writer(_LOCK_PATIENCE_S):
            setback = self._store.stages.settle()
        return None if setback is None else self._told(setback)

    def _told(self, setback: Setback) -> Settled:
        numbers = ", ".join(map(str, setback.generations))
        _log.error("generation %s is taken back: %s", numbers, setback.reason)
        for generation in setback.generations:
            self._audit.note("rollout_failed", generation=generation)
        return Settled("taken back", setback.generations, setback.reason, setback.digests)
