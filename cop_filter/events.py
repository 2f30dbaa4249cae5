"""Counters without people.

The only thing an enforcement point records. Labels are list ids, planes, actions and fixed words;
no method takes a name, a URL or an address, so none can be written down by mistake.
Several processes count into one folder through prometheus-client's multiprocess mode, which is
switched on by the environment variable PROMETHEUS_MULTIPROC_DIR before this module is imported.
A full disk costs figures, never the process: see `counter_files`.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge

from cop_filter.counter_files import reserve
from cop_filter.verdict import Plane, Verdict


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
        self._by_upstream = cache(self._upstream.labels)

    def decided(self, plane: Plane, verdict: Verdict) -> None:
        """Count one decision."""
        self._by_decision(plane, verdict.action, verdict.list_id or "").inc()

    def fault(self, plane: Plane) -> None:
        """Count one decision that failed (a bug) and was answered by the fail policy."""
        self._faults.labels(plane).inc()

    def dns(self, event: str) -> None:
        """Count one resolver event; `event` is a fixed word, never data from a packet."""
        self._by_dns_event(event).inc()

    def upstream(self, place: int, result: str) -> None:
        """Count one query to the upstream at `place`; `result` is a fixed word."""
        self._by_upstream(str(place), result).inc()

    def upstream_health(self, place: int, *, up: bool) -> None:
        """Record whether the upstream at `place` answers."""
        self._upstream_up.labels(str(place)).set(1 if up else 0)

    def refreshed(self, list_id: str, result: str) -> None:
        """Count one refresh of a list; `result` is published, unchanged or refused."""
        self._refreshes.labels(list_id, result).inc()

    def generation(self, role: str, number: int) -> None:
        """Record which generation a role enforces."""
        self._generation.labels(role).set(number)
