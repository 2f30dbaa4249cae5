"""Quantiles of a latency histogram, as Prometheus reckons them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf


@dataclass(frozen=True, slots=True)
class Latency:
    """Of the queries that one path answered; the quantiles are None when it answered none."""

    answers_per_s: float
    p50_s: float | None
    p99_s: float | None


def latency(within: Mapping[float, float], interval_s: float) -> Latency:
    """`within`: upper bound in seconds -> answers no slower than that; the last bound is infinite."""
    bounds = sorted(within)
    # Read bucket by bucket while others count, so a later one may be a little behind.
    counts = list(accumulate((within[bound] for bound in bounds), max))
    total = counts[-1] if counts else 0.0
    return Latency(total / interval_s, quantile(0.5, bounds, counts), quantile(0.99, bounds, counts))


def quantile(share: float, bounds: Sequence[float], counts: Sequence[float]) -> float | None:
    """The latency that `share` of all answers do not exceed; linear inside a bucket, None without answers.

    `counts` are cumulative. Above the last finite bound nothing is known, and that bound is given.
    """
    if not counts or counts[-1] <= 0:
        return None
    rank = share * counts[-1]
    for (low_s, below), (high_s, reached) in pairwise(zip((0.0, *bounds), (0.0, *counts), strict=True)):
        if reached >= rank and reached > below:
            return low_s if high_s == inf else low_s + (high_s - low_s) * (rank - below) / (reached - below)
    raise ValueError("counts must be cumulative")
