"""One look at what all processes counted. It only reads: whoever counts is never disturbed.

Kept apart by process: a worker that died and came back counts from 0 in a file of its own, so what
was counted between two looks is exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from prometheus_client.multiprocess import MultiProcessCollector

from cop_filter.report.counters import CounterFile, files

_IN_FORCE = "cop_filter_generation_in_force"
_LOOKS = 4
"""At a file that changes all the while, before it is taken as it is."""


class Series(NamedTuple):
    """A metric and its labels, in the order of their names."""

    name: str
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """`counted`: process id -> series -> total since it began; dead processes are among them.

    `gauges` are those of living processes, put together as each gauge declares; `processes` says how
    many live. `enforcing`: id of a living process -> the generation that it enforces. `at_s` is of the
    caller's clock.
    """

    at_s: float
    counted: Mapping[int, Mapping[Series, float]]
    gauges: Mapping[Series, float]
    processes: int
    enforcing: Mapping[int, int] = field(default_factory=dict)


def take(folder: Path, at_s: float) -> Sample:
    """The counters in `folder` as they are; nothing when there is no such folder. Raises OSError."""
    found = list(files(folder)) if folder.is_dir() else []
    # A file is empty for a moment when it begins.
    whole = [file for file in found if _size_bytes(file.path) > 0]
    living = [file for file in whole if file.kind == "gauge" and file.alive]
    return Sample(
        at_s,
        counted={file.pid: _settled(file) for file in whole if file.kind == "counter"},
        gauges=_read(living),
        processes=len({file.pid for file in whole if file.alive}),
        enforcing=_enforcing(living),
    )


def _settled(file: CounterFile) -> dict[Series, float]:
    """What a file says twice in a row.

    The buckets of a histogram are counted one after the other: one look in between would show answers
    slower than any that were given.
    """
    found = _read([file])
    for _ in range(_LOOKS - 1):
        before, found = found, _read([file])
        if found == before:
            break
    return found


def _enforcing(gauges: Iterable[CounterFile]) -> dict[int, int]:
    # One process has several files, and one of them says this.
    return {
        file.pid: int(value)
        for file in gauges
        for series, value in _read([file]).items()
        if series.name == _IN_FORCE
    }


def _read(some: Iterable[CounterFile]) -> dict[Series, float]:
    try:
        metrics = MultiProcessCollector.merge([str(file.path) for file in some])  # type: ignore[no-untyped-call]
    except FileNotFoundError:
        return {}  # dropped meanwhile, with the process that it spoke of
    return {
        Series(one.name, tuple(sorted(one.labels.items()))): one.value
        for metric in metrics
        for one in metric.samples
    }


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
