"""What was seen of something over a time: good, bad, and the time of which nobody knows. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from cop_filter.history import Span

Seen = Literal["good", "bad", "no data"]


class Stretch(NamedTuple):
    """A time (Unix seconds) in which all that was seen was alike."""

    start: float
    end: float
    state: Seen


def stretches(spans: Sequence[Span], start: float, end: float) -> list[Stretch]:
    """The time from `start` to `end` without holes; where good and bad overlap, it was bad."""
    begins: dict[bool, Counter[float]] = {True: Counter(), False: Counter()}
    for span in spans:
        first, last = max(span.start, start), min(span.end, end)
        if first < last:
            begins[span.good][first] += 1
            begins[span.good][last] -= 1
    cuts = sorted({start, end, *begins[True], *begins[False]})
    found: list[Stretch] = []
    depth = {True: 0, False: 0}
    for one, other in pairwise(cuts):
        for good in depth:
            depth[good] += begins[good][one]
        found.append(Stretch(one, other, "bad" if depth[False] else "good" if depth[True] else "no data"))
    runs = (list(group) for _, group in groupby(found, lambda each: each.state))
    return [run[0]._replace(end=run[-1].end) for run in runs]


def lacking(parts: Sequence[Stretch]) -> list[Stretch]:
    """The stretches in which nobody saw it good, each as long as it lasted; bad if anything bad was seen."""
    found = []
    for is_good, group in groupby(parts, lambda each: each.state == "good"):
        run = list(group)
        if not is_good:
            state: Seen = "bad" if any(each.state == "bad" for each in run) else "no data"
            found.append(Stretch(run[0].start, run[-1].end, state))
    return found


@dataclass(frozen=True, slots=True)
class Coverage:
    """Seconds of a time, parted; `longest` is the longest stretch in which nobody saw it good."""

    good_s: int
    bad_s: int
    no_data_s: int
    longest: Stretch | None

    @property
    def percent(self) -> str | None:
        """The share of the whole time that was seen good, rounded down; None when nothing was seen at all."""
        if not self.good_s + self.bad_s:
            return None
        thousandths = 100_000 * self.good_s // (self.good_s + self.bad_s + self.no_data_s)
        return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def coverage(spans: Sequence[Span], start: float, end: float) -> Coverage:
    """Part the time from `start` to `end` by what was seen. What is unknown is never good."""
    parts = stretches(spans, start, end)
    seconds = Counter[str]()
    for each in parts:
        seconds[each.state] += round(each.end) - round(each.start)
    longest = max(lacking(parts), key=lambda each: each.end - each.start, default=None)
    return Coverage(seconds["good"], seconds["bad"], seconds["no data"], longest)
