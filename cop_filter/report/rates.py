"""From two looks at the counters to figures a second. Pure: whoever looks passes the time."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cop_filter.events import DnsEvent
from cop_filter.report.latency import Latency, latency
from cop_filter.report.samples import Sample, Series
from cop_filter.verdict import Action, Plane

EVENTS_OF: Mapping[str, tuple[DnsEvent, ...]] = {
    "cached_per_s": ("cache_hit",),
    "forwarded_per_s": ("cache_miss", "forwarded"),
    "stale_per_s": ("stale_answer",),
    "local_zone_per_s": ("local_zone",),
    "refused_per_s": (
        "malformed", "not_implemented", "not_recursive", "oracle_refused", "other_class", "outside_clients",
    ),
    "failed_per_s": ("upstreams_failed", "overload"),
    "handed_up_per_s": ("handed_up",),
    "dropped_per_s": ("handed_up_dropped", "ignored", "no_room", "not_sent"),
    "rate_limited_per_s": ("rate_limited", "slipped"),
}  # fmt: skip
"""Figure -> the events that it sums."""

_NO_ENDING: frozenset[DnsEvent] = frozenset(
    {
        "cache_hit", "cache_miss", "cookie_proven", "forwarded", "handed_up", "stale_answer",
        "connection_fault", "connection_limit", "not_sent", "oracle_budget_spent", "oracle_crowded",
    }
)  # fmt: skip
"""What is met on the way, or is about no query; each other event ends a query that nothing was decided on."""


@dataclass(frozen=True, slots=True)
class DnsRates:
    """Queries a second, all of them and by what became of them; list id -> rate where a list decided.

    A query may be in several: one that was handed up and found in the cache, say.
    """

    queries_per_s: float
    blocked_per_s: Mapping[str, float]
    observed_per_s: Mapping[str, float]
    steered_per_s: float
    cached_per_s: float
    forwarded_per_s: float
    stale_per_s: float
    local_zone_per_s: float
    refused_per_s: float
    failed_per_s: float
    handed_up_per_s: float
    dropped_per_s: float
    rate_limited_per_s: float


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream: its place in the configuration, its health, result -> queries a second."""

    place: str
    up: bool
    queries_per_s: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in one interval, and how things stand at its end. No name, no URL, no client.

    `processes`: how many count. `latency`: path -> latency. `proxy_per_s`: plane -> action -> decisions
    a second. `in_force`: role -> the oldest generation that a process of it enforces.
    """

    interval_s: float
    processes: int
    dns: DnsRates
    latency: Mapping[str, Latency]
    proxy_per_s: Mapping[str, Mapping[str, float]]
    faults_per_s: float
    upstreams: tuple[Upstream, ...]
    in_force: Mapping[str, int]
    cache_answers: int
    cache_bytes: int


def increases(before: Sample, after: Sample) -> dict[Series, float]:
    """How often each was counted between two looks, by all processes together; never negative.

    A process that was not there before began at 0, and so did one that has counted less than before.
    """
    found: dict[Series, float] = defaultdict(float)
    for pid, totals in after.counted.items():
        earlier = before.counted.get(pid, {})
        for series, total in totals.items():
            past = earlier.get(series, 0.0)
            found[series] += total - past if total >= past else total
    return dict(found)


def figures(before: Sample, after: Sample) -> Figures:
    """The figures of the interval between two looks. Raises ValueError when no time has passed."""
    interval_s = after.at_s - before.at_s
    if interval_s <= 0:
        raise ValueError("no time has passed")
    counted = increases(before, after)
    rates = {series: count / interval_s for series, count in counted.items()}
    return Figures(
        interval_s=interval_s,
        processes=after.processes,
        dns=_dns(rates),
        latency=_latency(counted, interval_s),
        proxy_per_s={str(plane): _decided(rates, plane, "action") for plane in (Plane.TLS, Plane.HTTP)},
        faults_per_s=sum((rate for _, rate in _of(rates, "cop_filter_decision_faults_total")), 0.0),
        upstreams=_upstreams(rates, after.gauges),
        in_force={
            labels["role"]: int(value)
            for labels, value in _of(after.gauges, "cop_filter_generation_in_force")
        },
        cache_answers=int(after.gauges.get(Series("cop_filter_dns_cache_answers"), 0)),
        cache_bytes=int(after.gauges.get(Series("cop_filter_dns_cache_bytes"), 0)),
    )


def _dns(rates: Mapping[Series, float]) -> DnsRates:
    events = {labels["event"]: rate for labels, rate in _of(rates, "cop_filter_dns_events_total")}
    actions = _decided(rates, Plane.DNS, "action")
    undecided = sum(rate for event, rate in events.items() if event not in _NO_ENDING)
    return DnsRates(
        queries_per_s=sum(actions.values()) + undecided,
        blocked_per_s=_decided(rates, Plane.DNS, "list", Action.BLOCK),
        observed_per_s=_decided(rates, Plane.DNS, "list", Action.OBSERVE),
        steered_per_s=actions.get(Action.STEER, 0.0),
        **{figure: sum(events.get(event, 0.0) for event in some) for figure, some in EVENTS_OF.items()},
    )


def _decided(
    rates: Mapping[Series, float], plane: Plane, by: str, action: Action | None = None
) -> dict[str, float]:
    """Decisions a second on one plane, summed by one label; of one action, or of all."""
    found: dict[str, float] = defaultdict(float)
    for labels, rate in _of(rates, "cop_filter_decisions_total"):
        if labels["plane"] == plane and action in (None, labels["action"]):
            found[labels[by]] += rate
    return dict(sorted(found.items()))


def _latency(counted: Mapping[Series, float], interval_s: float) -> dict[str, Latency]:
    within: dict[str, dict[float, float]] = defaultdict(dict)
    for labels, count in _of(counted, "cop_filter_dns_latency_seconds_bucket_total"):
        within[labels["path"]][float(labels["le"])] = count
    return {path: latency(buckets, interval_s) for path, buckets in sorted(within.items())}


def _upstreams(rates: Mapping[Series, float], gauges: Mapping[Series, float]) -> tuple[Upstream, ...]:
    results: dict[str, dict[str, float]] = defaultdict(dict)
    for labels, rate in _of(rates, "cop_filter_upstream_queries_total"):
        results[labels["upstream"]][labels["result"]] = rate
    up = {labels["upstream"]: bool(value) for labels, value in _of(gauges, "cop_filter_upstream_up")}
    return tuple(Upstream(place, up[place], results.get(place, {})) for place in sorted(up, key=int))


def _of(values: Mapping[Series, float], name: str) -> Iterator[tuple[dict[str, str], float]]:
    """The labels and the value of each series of one metric."""
    return ((dict(series.labels), value) for series, value in values.items() if series.name == name)
