"""Counters without people: what can be counted, and that nothing else can be said."""

import inspect
import json
import os
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from cop_filter.counter_files import VARIABLE
from cop_filter.events import LATENCY_BOUNDS_S, Events
from cop_filter.verdict import Action, Plane, Verdict


def counted(act):
    registry = CollectorRegistry()
    act(Events(registry))
    return generate_latest(registry).decode()


def test_a_decision_is_counted_by_plane_action_and_list():
    text = counted(lambda events: events.decided(Plane.DNS, Verdict(Action.BLOCK, 7, "national")))
    assert 'cop_filter_decisions_total{action="block",list="national",plane="dns"} 1.0' in text


def test_an_allowed_question_is_counted_without_a_list():
    text = counted(lambda events: events.decided(Plane.HTTP, Verdict(Action.ALLOW, 7)))
    assert 'cop_filter_decisions_total{action="allow",list="",plane="http"} 1.0' in text


def test_each_event_has_its_own_counter():
    def act(events):
        events.fault(Plane.TLS)
        events.dns("malformed")
        events.dns("malformed")
        events.http("oracle_refused")
        events.upstream(1, "timeout")
        events.upstream_health(1, up=False)
        events.refreshed("national", "published")
        events.generation("dns", 3)
        events.pushed("http", "woken")

    text = counted(act)
    for line in (
        'cop_filter_decision_faults_total{plane="tls"} 1.0',
        'cop_filter_dns_events_total{event="malformed"} 2.0',
        'cop_filter_http_events_total{event="oracle_refused"} 1.0',
        'cop_filter_upstream_queries_total{result="timeout",upstream="1"} 1.0',
        'cop_filter_upstream_up{upstream="1"} 0.0',
        'cop_filter_refreshes_total{list="national",result="published"} 1.0',
        'cop_filter_generation_in_force{role="dns"} 3.0',
        'cop_filter_pushes_total{channel="http",result="woken"} 1.0',
    ):
        assert line in text


def test_what_the_native_path_counted_is_added_in_bulk():
    def act(events):
        events.decided(Plane.DNS, Verdict(Action.BLOCK, 7, "national"), 1000)
        events.decided(Plane.DNS, Verdict(Action.BLOCK, 8, "national"))
        events.dns("handed_up", 30)
        events.dns("handed_up")
        events.cached(12, 3456)

    text = counted(act)
    for line in (
        'cop_filter_decisions_total{action="block",list="national",plane="dns"} 1001.0',
        'cop_filter_dns_events_total{event="handed_up"} 31.0',
        "cop_filter_dns_cache_answers 12.0",
        "cop_filter_dns_cache_bytes 3456.0",
    ):
        assert line in text


def test_latencies_go_from_a_microsecond_to_four_seconds_in_powers_of_two():
    assert LATENCY_BOUNDS_S[:3] == (1e-6, 2e-6, 4e-6)
    assert (len(LATENCY_BOUNDS_S), LATENCY_BOUNDS_S[-1]) == (23, 4.194304)


def latencies(**counts_at):
    """One count for each bucket; the words are w<index>."""
    counts = [0] * (len(LATENCY_BOUNDS_S) + 1)
    for place, count in counts_at.items():
        counts[int(place[1:])] = count
    return counts


def test_latency_buckets_are_cumulative_as_in_any_prometheus_histogram():
    def act(events):
        events.dns_latency("fast", latencies(w0=5, w2=3, w23=2))
        events.dns_latency("fast", latencies(w1=1))
        events.dns_latency("forwarded", latencies(w22=7))

    text = counted(act)
    shown = {
        tuple(line.split('"')[1:4:2]): float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("cop_filter_dns_latency_seconds_bucket_total")
    }
    fast = {float(le): count for (le, path), count in shown.items() if path == "fast"}
    assert sorted(fast) == [*LATENCY_BOUNDS_S, float("inf")]
    within = [fast[bound] for bound in sorted(fast)]
    assert within == [5, 6, *[9] * 21, 11]
    assert shown["2.097152", "forwarded"] == 0
    assert shown["4.194304", "forwarded"] == shown["+Inf", "forwarded"] == 7


def test_latencies_in_other_buckets_than_ours_are_refused_whole():
    registry = CollectorRegistry()
    events = Events(registry)
    for counts in ([1] * len(LATENCY_BOUNDS_S), [1] * (len(LATENCY_BOUNDS_S) + 2)):
        with pytest.raises(ValueError, match="argument"):
            events.dns_latency("fast", counts)
    assert 'path="fast"' not in generate_latest(registry).decode()


def test_latencies_and_caches_of_all_processes_are_added_up(tmp_path):
    code = (
        "from cop_filter.events import Events\n"
        "events = Events()\n"
        f"events.dns_latency('fast', {json.dumps(latencies(w0=1, w23=1))})\n"
        "events.cached(10, 2000)\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], env={**os.environ, VARIABLE: str(tmp_path)}, check=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(tmp_path))
    text = generate_latest(registry).decode()
    for line in (
        'cop_filter_dns_latency_seconds_bucket_total{le="1e-06",path="fast"} 2.0',
        'cop_filter_dns_latency_seconds_bucket_total{le="+Inf",path="fast"} 4.0',
        "cop_filter_dns_cache_answers 20.0",
        "cop_filter_dns_cache_bytes 4000.0",
    ):
        assert line in text.splitlines()


def test_no_method_takes_a_name_a_url_or_an_address():
    parameters = {
        name
        for _, method in inspect.getmembers(Events, inspect.isfunction)
        for name in inspect.signature(method).parameters
    }
    assert parameters <= {
        "self", "registry", "plane", "verdict", "event", "place", "result", "up", "list_id", "role", "number",
        "times", "path", "counts", "answers", "bytes_", "channel",
    }  # fmt: skip
