"""Counters without people.

The only thing an enforcement point records. Labels are list ids, planes, actions and fixed words;
no method takes a name, a URL or an address, so none can be written down by mistake.
Several processes count into one folder through prometheus-client's multiprocess mode, which is
switched on by the environment variable PROMETHEUS_MULTIPROC_DIR before this module is imported.
A full disk costs figures, never the process: see `counter_files`.
"""

from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from cop_filter.counter_files import reserve
from cop_filter.verdict import Plane, Verdict

OracleEvent = Literal[
    "oracle_refused",  # nothing more is told to a client network that was told of enough listed entries
    "oracle_budget_spent",  # a client network was told of that many: somebody may be asking a list out
    "oracle_crowded",  # more networks are told of entries than are told apart
]
"""What whoever answers counts of the oracle budget."""

DnsEvent = Literal[
    # Answered without a decision; each ends its query.
    "local_zone",  # a name that the resolver answers itself
    "malformed",
    "not_implemented",
    "not_recursive",
    "oracle_refused",
    "other_class",
    "outside_clients",  # refused by the access list
    "overload",  # too many wait for the upstreams: SERVFAIL, or a stale answer where there is one
    "slipped",  # over the response rate limit: told to come back over TCP
    "upstreams_failed",
    # Not answered; each ends its query.
    "handed_up_dropped",  # the queue from the native path to Python was full
    "ignored",  # a response, or too short to be a query
    "no_room",  # no place for one more question to the upstreams, of this client network or of all
    "rate_limited",  # over the response rate limit: dropped
    # Met on the way: the same query is counted again by how it ends, most often as a decision.
    "cache_hit",
    "cache_miss",  # the asyncio path asks the upstreams
    "cookie_proven",  # a valid DNS cookie (RFC 7873) proved the client's address
    "forwarded",  # a miss that the native path sent upstream itself; no cache_miss beside it
    "handed_up",  # given by the native path to Python
    "stale_answer",
    # About a connection, an answer or a network, not about a query.
    "connection_fault",
    "connection_limit",
    "not_sent",
    "oracle_budget_spent",
    "oracle_crowded",
]
"""Every word that the resolver counts; any other is a type error."""

LatencyPath = Literal["fast", "forwarded"]
"""fast: answered by the native path from what it had. forwarded: after an upstream's answer."""

PushChannel = Literal["http", "notify", "file"]
PushResult = Literal[
    "woken",  # the list is fetched
    "denied",  # no token, no key, or not from the list's server
    "unknown",  # no such list or zone
    "malformed",
    "limited",  # more than are looked at in a second
]

LATENCY_BOUNDS_S = tuple(2**power / 1_000_000 for power in range(23))
"""Upper bounds, inclusive, of the latency buckets: 1 us, 2 us, 4 us, ... 4.194304 s; one more is above."""


class Events:
    """The counters of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        reserve()
        registry = registry if registry is not None else CollectorRegistry()
        self._decisions = Counter(
            "cop_filter_decisions",
            "Questions decided, by plane, action and list",
            ["plane", "action", "list"],
            registry=registry,
        )
        self._faults = Counter(
            "cop_filter_decision_faults",
            "Decisions that failed and fell back to the declared fail policy",
            ["plane"],
            registry=registry,
        )
        self._dns = Counter(
            "cop_filter_dns_events",
            "What the resolver met besides decisions: malformed, outside_clients, cache_hit, ...",
            ["event"],
            registry=registry,
        )
        self._http = Counter(
            "cop_filter_http_events",
            "What the proxy and the page met besides decisions: oracle_refused, ...",
            ["event"],
            registry=registry,
        )
        # A Histogram takes one observation at a time; what the native path counted comes in bulk.
        self._latency = Counter(
            "cop_filter_dns_latency_seconds_bucket",
            "Queries answered within `le` seconds, by path; cumulative, as histogram_quantile wants it",
            ["path", "le"],
            registry=registry,
        )
        self._cache_answers = Gauge(
            "cop_filter_dns_cache_answers",
            "Answers in the cache",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._cache_bytes = Gauge(
            "cop_filter_dns_cache_bytes",
            "Room that they take",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._upstream = Counter(
            "cop_filter_upstream_queries",
            "Queries to each upstream (by its place in the configuration), by result",
            ["upstream", "result"],
            registry=registry,
        )
        self._upstream_up = Gauge(
            "cop_filter_upstream_up",
            "1 when the upstream answers",
            ["upstream"],
            registry=registry,
            multiprocess_mode="livemin",
        )
        self._refreshes = Counter(
            "cop_filter_refreshes",
            "List refreshes by result: published, unchanged, refused",
            ["list", "result"],
            registry=registry,
        )
        self._pushes = Counter(
            "cop_filter_pushes",
            "Times that somebody said that a list has changed, by channel and result",
            ["channel", "result"],
            registry=registry,
        )
        self._generation = Gauge(
            "cop_filter_generation_in_force",
            "The generation that this role enforces",
            ["role"],
            registry=registry,
            multiprocess_mode="livemin",
        )

        # A counter for each set of labels, kept: looking one up costs more than counting.
        self._by_decision = cache(self._decisions.labels)
        self._by_dns_event = cache(self._dns.labels)
        self._by_http_event = cache(self._http.labels)
        self._by_upstream = cache(self._upstream.labels)
        self._by_latency = cache(self._latency.labels)

    def decided(self, plane: Plane, verdict: Verdict, times: int = 1) -> None:
        """Count a decision that was taken `times` times."""
        self._by_decision(plane, verdict.action, verdict.list_id or "").inc(times)

    def fault(self, plane: Plane) -> None:
        """Count one decision that failed (a bug) and was answered by the fail policy."""
        self._faults.labels(plane).inc()

    def dns(self, event: DnsEvent, times: int = 1) -> None:
        """Count a resolver event that was met `times` times."""
        self._by_dns_event(event).inc(times)

    def http(self, event: OracleEvent, times: int = 1) -> None:
        """Count an event of the proxy or the page that was met `times` times."""
        self._by_http_event(event).inc(times)

    def dns_latency(self, path: LatencyPath, counts: Sequence[int]) -> None:
        """Count answered queries by latency: `counts[i]` of them in bucket i of LATENCY_BOUNDS_S.

        The last of `counts` is for those above all bounds. Raises ValueError unless there is one for each.
        """
        within = list(zip((*LATENCY_BOUNDS_S, "+Inf"), accumulate(counts), strict=True))
        buckets = [(self._by_latency(path, str(bound)), count) for bound, count in within]
        # They stand in the file from the smallest up and are added from the largest down: who reads it
        # meanwhile never sees fewer within a longer time.
        for bucket, count in reversed(buckets):
            bucket.inc(count)

    def cached(self, answers: int, bytes_: int) -> None:
        """Record what the answer cache of this process holds."""
        self._cache_answers.set(answers)
        self._cache_bytes.set(bytes_)

    def upstream(self, place: int, result: str, times: int = 1) -> None:
        """Count queries to the upstream at `place`; `result` is a fixed word."""
        self._by_upstream(str(place), result).inc(times)

    def upstream_health(self, place: int, *, up: bool) -> None:
        """Record whether the upstream at `place` answers."""
        self._upstream_up.labels(str(place)).set(1 if up else 0)

    def refreshed(self, list_id: str, result: str) -> None:
        """Count one refresh of a list; `result` is published, unchanged or refused."""
        self._refreshes.labels(list_id, result).inc()

    def pushed(self, channel: PushChannel, result: PushResult) -> None:
        """Count one message that says that a list has changed."""
        self._pushes.labels(channel, result).inc()

    def generation(self, role: str, number: int) -> None:
        """Record which generation a role enforces."""
        self._generation.labels(role).set(number)
