"""A generation on trial: a part of the workers enforces it before the others follow. Pure, no files.

It stands in the file `trial` of the state folder, beside `current`. Two generations may wait: the older
one, whose soak runs out first, and the newest, which is made from it and which the canary workers
enforce. What is published while both wait takes the place of the newest. So everything that comes into
force everywhere has soaked for its whole time, and nothing waits for longer than two soaks, however
often lists change.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from cop_filter.config import RolloutConfig
from cop_filter.errors import StateError

GRACE_S = 60.0
"""How long after its soak a trial waits for whoever settles it."""
CLOCK_SLACK_S = 60.0
"""By how much a clock may be behind the one that a trial began by."""


class Soak(NamedTuple):
    """How a publish goes on trial: when it began (Unix seconds), for how long, on which share of workers."""

    started_at: float
    soak_s: float
    share: float


class Step(NamedTuple):
    """A generation that waits, and since when (Unix seconds)."""

    generation: int
    started_at: float


@dataclass(frozen=True, slots=True)
class Trial:
    """`steps` are one or two, the oldest first.

    `failed`: why all of them are about to be taken back, since `failed_at` (Unix seconds).
    """

    steps: tuple[Step, ...]
    soak_s: float
    share: float
    failed: str | None = None
    failed_at: float = 0.0

    @property
    def newest(self) -> int:
        """What the canary workers enforce, and what the next generation is made from."""
        return self.steps[-1].generation

    @property
    def until(self) -> float:
        """When the soak of the oldest ends."""
        return self.steps[0].started_at + self.soak_s

    def due(self, now: float) -> bool:
        """Whether the oldest has soaked. A clock that was set back must not hold it for ever."""
        return not self.steps[0].started_at - CLOCK_SLACK_S <= now < self.until

    def unsettled(self, now: float) -> int | None:
        """The newest generation that should long have been settled by somebody; None: there is none.

        Whoever was to watch the trial is not there. Nothing was found against the generation, and newly
        listed entries must come into force: so all workers follow it.
        """
        patience_s = self.soak_s + GRACE_S
        late = [
            step.generation
            for step in self.steps
            if not step.started_at - CLOCK_SLACK_S <= now < step.started_at + patience_s
        ]
        return late[-1] if late else None

    def after(self, current: int) -> "Trial | None":
        """What is left of the trial once `current` is in force everywhere."""
        steps = tuple(step for step in self.steps if step.generation > current)
        return replace(self, steps=steps) if steps else None

    def to_bytes(self) -> bytes:
        """As the file holds it."""
        return json.dumps(asdict(self), indent=1).encode()

    @staticmethod
    def from_bytes(raw: bytes) -> "Trial":
        """Read it back. Raises StateError when it is damaged."""
        try:
            fields: dict[str, Any] = json.loads(raw)
            steps = tuple(Step(int(number), float(began)) for number, began in fields["steps"])
            failed, failed_at = fields["failed"], float(fields["failed_at"])
            trial = Trial(steps, float(fields["soak_s"]), float(fields["share"]), failed, failed_at)
        except (ValueError, KeyError, TypeError):
            raise _damaged() from None
        if not steps or not (failed is None or isinstance(failed, str)):
            raise _damaged()
        return trial


def begin(trial: Trial | None, generation: int, soak: Soak) -> Trial:
    """The trial once `generation` is published: alone, behind the oldest, or in place of the newest."""
    oldest = () if trial is None else trial.steps[:1]
    return Trial((*oldest, Step(generation, soak.started_at)), soak.soak_s, soak.share)


def soak_of(config: RolloutConfig, now: float) -> Soak | None:
    """How the configuration has a generation published at `now` soak; None: in force everywhere at once."""
    return Soak(now, config.soak_s, config.share) if config.soak_s > 0 else None


def _damaged() -> StateError:
    return StateError("the file of the generation on trial is damaged; the next publish replaces it")
