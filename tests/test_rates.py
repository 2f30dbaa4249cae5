"""From two looks at the counters to figures: exact over restarts, never negative, no query counted twice."""

from itertools import chain
from math import inf
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.events import DnsEvent
from cop_filter.report.rates import EVENTS_OF, Figures, Upstream, figures, increases
from cop_filter.report.samples import Sample, Series

NOT_SHOWN = {
    "connection_fault", "connection_limit", "cookie_proven", "oracle_budget_spent", "oracle_crowded",
}  # fmt: skip


def event(word: str) -> Series:
    return Series("cop_filter_dns_events_total", (("event", word),))


def decision(plane: str, action: str, list_id: str = "") -> Series:
    labels = (("action", action), ("list", list_id), ("plane", plane))
    return Series("cop_filter_decisions_total", labels)


def within(path: str, le: str) -> Series:
    return Series("cop_filter_dns_latency_seconds_bucket_total", (("le", le), ("path", path)))


def look(at_s: float, **counted: dict[Series, float]) -> Sample:
    """Totals by process, in words p<process id>."""
    return Sample(at_s, {int(word[1:]): totals for word, totals in counted.items()}, {}, len(counted))


def counted_in(
    seconds: float, totals: dict[Series, float], gauges: dict[Series, float] | None = None
) -> Figures:
    before, after = look(100, p1={}), look(100 + seconds, p1=totals)
    return figures(before, Sample(after.at_s, after.counted, gauges or {}, 1))


def test_all_processes_are_added_up() -> None:
    hit = event("cache_hit")
    before = look(0, p1={hit: 10}, p2={hit: 100})
    assert increases(before, look(1, p1={hit: 11}, p2={hit: 105})) == {hit: 6}


def test_a_worker_that_came_back_has_counted_from_nothing() -> None:
    hit = event("cache_hit")
    before = look(0, p1={hit: 1000}, p2={hit: 5})
    assert increases(before, look(1, p1={hit: 1000}, p2={hit: 6}, p3={hit: 7})) == {hit: 8}
    assert increases(before, look(1, p2={hit: 6}, p3={hit: 7})) == {hit: 8}


def test_a_process_id_that_is_used_again_never_counts_backwards() -> None:
    hit = event("cache_hit")
    assert increases(look(0, p1={hit: 1000}), look(1, p1={hit: 3})) == {hit: 3}


SAMPLES = st.dictionaries(
    st.integers(1, 3),
    st.dictionaries(st.sampled_from([event("cache_hit"), decision("dns", "allow")]), st.integers(0, 99)),
)


@given(SAMPLES, SAMPLES)
def test_no_rate_is_ever_negative(
    before: dict[int, dict[Series, int]], after: dict[int, dict[Series, int]]
) -> None:
    found = increases(Sample(0, before, {}, 0), Sample(1, after, {}, 0))
    assert all(count >= 0 for count in found.values())


def test_every_word_that_the_resolver_counts_has_one_place() -> None:
    placed = sorted(chain(*EVENTS_OF.values(), NOT_SHOWN))
    assert placed == sorted(get_args(DnsEvent))


def test_a_query_counts_once_whatever_was_met_on_its_way() -> None:
    on_the_way = dict.fromkeys((event("cache_hit"), event("handed_up"), event("cookie_proven")), 20.0)
    ended = {decision("dns", "allow"): 20.0, event("outside_clients"): 4.0, event("rate_limited"): 6.0}
    dns = counted_in(2, on_the_way | ended | {decision("http", "allow"): 50.0}).dns
    assert dns.queries_per_s == 15
    assert (dns.cached_per_s, dns.handed_up_per_s, dns.refused_per_s, dns.rate_limited_per_s) == (
        10,
        10,
        2,
        3,
    )


def test_a_miss_counts_as_forwarded_whoever_sent_it() -> None:
    dns = counted_in(1, {event("cache_miss"): 3.0, event("forwarded"): 4.0}).dns
    assert (dns.forwarded_per_s, dns.queries_per_s) == (7, 0)


def test_what_lists_decided_is_told_by_list() -> None:
    found = counted_in(
        1,
        {
            decision("dns", "block", "national"): 3.0,
            decision("dns", "block", "police"): 4.0,
            decision("dns", "observe", "trial"): 5.0,
            decision("dns", "steer", "national"): 6.0,
            decision("http", "block", "national"): 7.0,
            decision("http", "allow"): 8.0,
        },
    )
    assert found.dns.blocked_per_s == {"national": 3, "police": 4}
    assert found.dns.observed_per_s == {"trial": 5}
    assert found.dns.steered_per_s == 6
    assert found.proxy_per_s == {"tls": {}, "http": {"allow": 8, "block": 7}}


def test_latencies_are_those_of_the_interval_alone() -> None:
    slow = {within("fast", "0.001"): 0.0, within("fast", "0.002"): 900.0, within("fast", "+Inf"): 900.0}
    now = {within("fast", "0.001"): 10.0, within("fast", "0.002"): 910.0, within("fast", "+Inf"): 910.0}
    found = figures(look(0, p1=slow), look(2, p1=now)).latency["fast"]
    assert (found.answers_per_s, found.p50_s) == (5, 0.0005)


def test_gauges_say_how_things_stand_at_the_end() -> None:
    gauges = {
        Series("cop_filter_upstream_up", (("upstream", "10"),)): 0.0,
        Series("cop_filter_upstream_up", (("upstream", "2"),)): 1.0,
        Series("cop_filter_generation_in_force", (("role", "dns"),)): 7.0,
        Series("cop_filter_dns_cache_answers"): 12.0,
        Series("cop_filter_dns_cache_bytes"): 3456.0,
    }
    asked = Series("cop_filter_upstream_queries_total", (("result", "timeout"), ("upstream", "10")))
    found = counted_in(1, {asked: 2.0}, gauges)
    assert found.upstreams == (Upstream("2", True, {}), Upstream("10", False, {"timeout": 2}))
    assert found.in_force == {"dns": 7}
    assert (found.cache_answers, found.cache_bytes) == (12, 3456)


def test_two_looks_at_one_moment_have_no_rates() -> None:
    with pytest.raises(ValueError, match="no time"):
        figures(look(1), look(1))


def test_no_latency_is_measured_above_infinity() -> None:
    found = counted_in(1, {within("forwarded", "+Inf"): 5.0, within("forwarded", "4.194304"): 0.0})
    assert found.latency["forwarded"].p99_s == 4.194304
    assert found.latency["forwarded"].p99_s < inf
