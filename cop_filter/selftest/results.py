"""How a self-test went: kept for whoever shows it or raises an alarm."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cop_filter.verdict import Plane

FILE = "selftest.json"

State = Literal["passed", "failed", "unreachable"]
"""failed: what is listed got through, or what is not was blocked. unreachable: nobody knows."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was found of one list on one plane at one listener; no name is in it.

    `asked` canaries were asked for, of which `failed` got through (or went unanswered). For a result that
    `expects` "pass", the name of no list was asked for.
    """

    list_id: str
    plane: Plane
    listener: str
    state: State
    asked: int
    failed: int = 0
    reason: str | None = None
    expects: Literal["block", "pass"] = "block"


@dataclass(frozen=True, slots=True)
class Results:
    """All results of one time (Unix seconds), and the generation whose canaries were asked for."""

    at: float
    generation: int | None
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """True when there was something to ask, and every answer was right."""
        return bool(self.results) and all(one.state == "passed" for one in self.results)

    def state_of(self, list_id: str, plane: Plane) -> State | None:
        """The worst that was found of a list on a plane; None: it was not asked for there."""
        states = [one.state for one in self.results if (one.list_id, one.plane) == (list_id, plane)]
        worst: tuple[State, ...] = ("failed", "unreachable", "passed")
        return next((state for state in worst if state in states), None)

    def to_json(self) -> str:
        """One object."""
        return json.dumps({**asdict(self), "passed": self.passed}, indent=1)


def latest(state_dir: Path) -> Results | None:
    """What the self-test found last; None when it has never run, or the file is damaged."""
    try:
        said = json.loads((state_dir / FILE).read_bytes())
        return Results(float(said["at"]), said["generation"], tuple(map(_result, said["results"])))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _result(said: Mapping[str, Any]) -> Result:
    return Result(**{**said, "plane": Plane(said["plane"])})
