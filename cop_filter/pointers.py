"""Which generation is in force, where: the files `current`, `trial`, `hold.json` and `rollout.json`.

Each is replaced whole, and each change of what is in force is one rename or one removal; whoever is
killed between two of them leaves the earlier or the later state, and the next writer cleans up.
Only the writer of the store changes them, but for `hold`, which has to win against a writer.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cop_filter import durable, setbacks
from cop_filter.errors import Held, StateError
from cop_filter.hold import Hold
from cop_filter.setbacks import Setback
from cop_filter.trial import Soak, Trial, begin

Step = Callable[[str], None]


class Pointers:
    """The pointers of the state folder `root`. `at_step` is told each step of a change."""

    def __init__(self, root: Path, at_step: Step) -> None:
        self._root = root
        self._current = root / "current"
        self._trial = root / "trial"
        self._hold = root / "hold.json"
        self._setbacks = root / "rollout.json"
        self._at_step = at_step

    # ------------------------------------------------------------ reading

    def current(self) -> int | None:
        """The number of the generation in force; None before the first publish. Raises StateError."""
        text = _read(self._current, "the pointer to the current generation")
        if text is None:
            return None
        if not text.strip().isdigit():  # of bytes: ASCII digits alone
            raise StateError("the pointer to the current generation is corrupt; run `cop-filter sync`")
        return int(text)

    def pointed(self) -> int | None:
        """The same where the pointer says anything; None where it is damaged."""
        try:
            return self.current()
        except StateError:
            return None

    def trial(self) -> Trial | None:
        """What is on trial. None where that failed or is in force, a rollback holds, or the file is bad."""
        trial = self.written_trial()
        if trial is None or trial.failed is not None or self.held() is not None:
            return None
        current = self.pointed()
        return trial if current is None else trial.after(current)

    def written_trial(self) -> Trial | None:
        """What the file says, be it settled or not; None without a file, or where it is damaged."""
        try:
            text = _read(self._trial, "the generation on trial")
            return None if text is None else Trial.from_bytes(text)
        except StateError:
            return None

    def newest(self) -> int | None:
        """The newest generation that is wanted: the newest on trial, else the current. Raises StateError."""
        trial = self.trial()
        return self.current() if trial is None else trial.newest

    def followed(self, *, canary: bool, now: float) -> int | None:
        """What a process enforces; `canary`: trials run on it. Raises StateError."""
        trial = self.trial()
        if trial is None:
            return self.current()
        if canary:
            return trial.newest
        unsettled = trial.unsettled(now)
        return self.current() if unsettled is None else unsettled

    def held(self) -> Hold | None:
        """The rollback that holds."""
        try:
            text = _read(self._hold, "the hold")
        except StateError:
            return Hold()
        return None if text is None else Hold.from_bytes(text)

    def refuse_while_held(self) -> None:
        """Raises Held."""
        if self.held() is not None:
            raise Held("the rollback holds, nothing is published; release it with `cop-filter release`")

    def setbacks(self) -> tuple[Setback, ...]:
        """What was taken out of force, the newest last."""
        try:
            text = _read(self._setbacks, "the setbacks")
        except StateError:
            return ()
        return () if text is None else setbacks.from_bytes(text)

    def avoided(self) -> frozenset[int]:
        """Every generation that was taken out of force, or is about to be."""
        trial = self.written_trial()
        failing = () if trial is None or trial.failed is None else trial.steps
        taken_back = {number for one in self.setbacks() for number in one.generations}
        return frozenset(taken_back | {step.generation for step in failing})

    # ------------------------------------------------------------ writing

    def put_in_force(self, number: int) -> None:
        """Have every process follow `number`; a trial of it, and of older ones, is over."""
        self._at_step("write pointer")
        replacement = self._current.with_name("current.new")
        durable.write(replacement, f"{number}\n".encode())
        self._at_step("move pointer")
        replacement.replace(self._current)
        durable.sync_folder(self._root)
        if (trial := self.written_trial()) is not None:
            self._at_step("end trial")
            self._write_trial(trial.after(number))

    def start_trial(self, number: int, soak: Soak) -> None:
        """Have the canary processes follow `number`."""
        self._at_step("write trial")
        self._write_trial(begin(self.trial(), number, soak))

    def fail_trial(self, reason: str, at: float) -> None:
        """Have the canary processes go back to the current generation; `clear_trial` is to follow."""
        trial = self.trial()
        if trial is not None:
            self._at_step("fail trial")
            self._write_trial(replace(trial, failed=reason, failed_at=at))

    def note(self, setback: Setback) -> None:
        """Remember what was taken out of force; once, though somebody was killed behind it."""
        self._at_step("note setback")
        known = self.setbacks()
        if setback not in known:
            durable.replace(self._setbacks, setbacks.to_bytes([*known, setback]))

    def drop_from_trial(self, number: int) -> None:
        """Go on with what is on trial behind `number`, if there is anything."""
        if (trial := self.trial()) is not None:
            self._at_step("end trial")
            self._write_trial(trial.after(number))

    def clear_trial(self) -> None:
        """End the trial: the canary processes follow the current generation like all others."""
        self._at_step("end trial")
        self._write_trial(None)

    def hold(self, hold: Hold) -> None:
        """Have nothing published from now on, and end the trial. A publish that is under way is stopped."""
        self._at_step("write hold")
        durable.replace(self._hold, hold.to_bytes())

    def release(self) -> None:
        """Have lists published again."""
        self._at_step("release hold")
        self._hold.unlink(missing_ok=True)
        durable.sync_folder(self._root)

    def _write_trial(self, trial: Trial | None) -> None:
        if trial is not None:
            durable.replace(self._trial, trial.to_bytes())
        elif self._trial.exists():
            self._trial.unlink()
            durable.sync_folder(self._root)


def _read(path: Path, what: str) -> bytes | None:
    """What a file says, which need not be text where it is damaged; None without one. Raises StateError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{what} cannot be read: {error.strerror}") from None
