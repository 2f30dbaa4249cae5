"""What processes counted on each plane, put together by which generation they enforce. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cop_filter.report.samples import Sample, Series
from cop_filter.verdict import Action, Plane

_DECISIONS = "cop_filter_decisions_total"
_FAULTS = "cop_filter_decision_faults_total"


class Counted(NamedTuple):
    """Decisions on a plane, and how many of them blocked."""

    decisions: int = 0
    blocked: int = 0

    @property
    def share(self) -> float:
        """Of decisions that blocked; 0 where there were none."""
        return self.blocked / self.decisions if self.decisions else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of a group of processes: decisions by plane; decisions that failed; processes that ended."""

    planes: Mapping[Plane, Counted] = field(default_factory=dict)
    faults: int = 0
    deaths: int = 0

    def on(self, plane: Plane) -> Counted:
        """What was counted on a plane."""
        return self.planes.get(plane, Counted())

    @property
    def decisions(self) -> int:
        """On all planes."""
        return sum(counted.decisions for counted in self.planes.values())


Totals = Mapping[int, Figures]
"""Process id -> all that it counted since it began."""


def totals(sample: Sample) -> dict[int, Figures]:
    """What each process counted so far, dead ones included."""
    return {pid: _figures(counted) for pid, counted in sample.counted.items()}


def since(before: Totals, now: Totals, pids: Iterable[int], deaths: int = 0) -> Figures:
    """What the processes `pids` counted together between two looks; `deaths` of them ended."""
    planes: dict[Plane, Counted] = defaultdict(Counted)
    faults = 0
    for pid in pids:
        then, after = before.get(pid, Figures()), now.get(pid, Figures())
        if after.decisions < then.decisions:
            then = Figures()  # another process that was given the same id
        for plane, counted in after.planes.items():
            earlier, known = then.on(plane), planes[plane]
            planes[plane] = Counted(
                known.decisions + counted.decisions - earlier.decisions,
                known.blocked + counted.blocked - earlier.blocked,
            )
        faults += after.faults - then.faults
    return Figures(dict(planes), faults, deaths)


def together(some: Totals) -> Figures:
    """All that was ever counted, by all processes."""
    return since({}, some, some)


def _figures(counted: Mapping[Series, float]) -> Figures:
    planes: dict[Plane, Counted] = defaultdict(Counted)
    faults = 0
    for series, value in counted.items():
        labels = dict(series.labels)
        if series.name == _DECISIONS:
            plane = Plane(labels["plane"])
            decisions, blocked = planes[plane]
            stopped = int(value) if labels["action"] == Action.BLOCK else 0
            planes[plane] = Counted(decisions + int(value), blocked + stopped)
        elif series.name == _FAULTS:
            faults += int(value)
    return Figures(dict(planes), faults)
