"""Counters without people: what can be counted, and that nothing else can be said."""

import inspect

from prometheus_client import CollectorRegistry, generate_latest

from cop_filter.events import Events
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
        events.upstream(1, "timeout")
        events.upstream_health(1, up=False)
        events.refreshed("national", "published")
        events.generation("dns", 3)

    text = counted(act)
    for line in (
        'cop_filter_decision_faults_total{plane="tls"} 1.0',
        'cop_filter_dns_events_total{event="malformed"} 2.0',
        'cop_filter_upstream_queries_total{result="timeout",upstream="1"} 1.0',
        'cop_filter_upstream_up{upstream="1"} 0.0',
        'cop_filter_refreshes_total{list="national",result="published"} 1.0',
        'cop_filter_generation_in_force{role="dns"} 3.0',
    ):
        assert line in text


def test_no_method_takes_a_name_a_url_or_an_address():
    parameters = {
        name
        for _, method in inspect.getmembers(Events, inspect.isfunction)
        for name in inspect.signature(method).parameters
    }
    assert parameters <= {
        "self", "registry", "plane", "verdict", "event", "place", "result", "up", "list_id", "role", "number",
    }  # fmt: skip
