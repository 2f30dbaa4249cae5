"""How a trial ends, and how an older generation is put in force: each in steps that may be cut short."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from cop_filter.errors import StateError
from cop_filter.hold import Hold
from cop_filter.manifest import Manifest
from cop_filter.pointers import Pointers
from cop_filter.setbacks import Setback

ROLLBACK_PATIENCE_S = 60.0
"""How long a rollback waits for a publish that is under way."""


class Stages:
    """The stages of one store: `manifest` reads a generation's, `writer` is its lock (patience in s)."""

    def __init__(
        self,
        pointers: Pointers,
        writer: Callable[[float], AbstractContextManager[None]],
        manifest: Callable[[int], Manifest],
    ) -> None:
        self._pointers = pointers
        self._writer = writer
        self._manifest = manifest

    def promote(self, number: int) -> bool:
        """Put the generation whose soak ends first in force everywhere. Only for the writer.

        False when that is not `number`: the trial is another one by now, or over.
        """
        trial = self._pointers.trial()
        if trial is None or trial.steps[0].generation != number:
            return False
        self._pointers.put_in_force(number)
        return True

    def lose(self, number: int) -> bool:
        """Have nobody wait for the generation whose soak ends first: it is damaged. Only for the writer.

        False when that is not `number`: the trial is another one by now, or over.
        """
        trial = self._pointers.trial()
        if trial is None or trial.steps[0].generation != number:
            return False
        self._pointers.drop_from_trial(number)
        return True

    def take_back(self, reason: str, at: float) -> Setback | None:
        """End the trial: all processes follow the current generation again. Only for the writer.

        None when there is no trial any more.
        """
        if self._pointers.trial() is None:
            return None
        self._pointers.fail_trial(reason, at)
        return self.settle()

    def half_taken_back(self) -> bool:
        """Whether a process was killed while it took a generation back: `settle` finishes it."""
        trial = self._pointers.written_trial()
        return trial is not None and trial.failed is not None

    def settle(self) -> Setback | None:
        """Finish what `take_back` began, also in a process that was killed there. Only for the writer."""
        trial = self._pointers.written_trial()
        if trial is None or trial.failed is None:
            return None
        generations = tuple(step.generation for step in trial.steps)
        setback = Setback(generations, trial.failed_at, "failed", trial.failed, self._brought(trial.newest))
        self._pointers.note(setback)
        self._pointers.clear_trial()
        return setback

    def _brought(self, number: int) -> dict[str, str]:
        """The digests of the lists that a generation has in another version than the current one."""
        try:
            current = self._pointers.current()
            now = () if current is None else self._manifest(current).lists
            then = self._manifest(number).lists
        except StateError:
            return {}
        before = {state.policy.id: state.digest for state in now}
        return {
            state.policy.id: state.digest
            for state in then
            if state.policy.mode in ("enforce", "observe") and before.get(state.policy.id) != state.digest
        }

    def rollback(self, hold: Hold) -> None:
        """Put `hold.generation`, which the caller has found whole, in force and hold it there.

        A trial is over, and nothing is published until `release`. Waits for a publish that is under
        way, which comes to nothing. Raises StateError, OSError.
        """
        self._pointers.hold(hold)
        with self._writer(ROLLBACK_PATIENCE_S):
            self.settle()
            self._pointers.clear_trial()
            if hold.generation is not None and hold.generation != self._pointers.pointed():
                self._pointers.put_in_force(hold.generation)
            if hold.before is not None and hold.before != hold.generation:
                reason = hold.reason or ""
                self._pointers.note(Setback((hold.before,), hold.at or 0.0, "rolled back", reason))

    def release(self, *, refused: Collection[str] = (), at: float = 0.0) -> Hold | None:
        """End the hold, and say what it was; None when nothing was held.

        Of the lists `refused`, the version that the rollback led back from does not go live again by
        itself; `at` is in Unix seconds. Raises StateError, where there is no such version too, OSError.
        """
        held = self._pointers.held()
        if held is not None:
            with self._writer(ROLLBACK_PATIENCE_S):
                self._pointers.clear_trial()  # a rollback that was killed may have left it
                if refused:
                    self._pointers.note(self._refusal(held, refused, at))
                self._pointers.release()
        return held

    def _refusal(self, held: Hold, refused: Collection[str], at: float) -> Setback:
        brought = {} if held.before is None else self._brought(held.before)
        if unknown := sorted(set(refused).difference(brought)):
            there = ", ".join(sorted(brought)) or "none"
            raise StateError(
                f"nothing was released: the rollback took back no version of {', '.join(unknown)} that can "
                f"be refused; of these lists it did: {there}"
            )
        digests = {list_id: brought[list_id] for list_id in sorted(refused)}
        return Setback((), at, "refused", held.reason or "", digests)
