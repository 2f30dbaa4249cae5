"""What the audit log is told of a new configuration."""

from dataclasses import replace
from datetime import date

import pytest
from generations import a_config, a_list, a_profile, an_exemption, dns, publish

from cop_filter.policy_changes import changes, expired
from cop_filter.store import Store
from cop_filter.verdict import LegalBasis


def manifests(config, *configs):
    """Of the generations that the configurations are published in, one after the other."""
    store = Store(config.state_dir)
    found = [store.manifest(publish(config, national=["bad.example"]))]
    found += [store.manifest(publish(one)) for one in configs]
    return found


@pytest.fixture
def config(tmp_path):
    return a_config(tmp_path)


def told(before, after):
    return [(one.event, one.facts) for one in changes(before, after)]


def test_the_first_generation_and_one_of_the_same_policy_change_nothing(config):
    first, second = manifests(config, config)
    assert told(None, first) == []
    assert told(first, second) == []


def test_a_list_that_is_only_observed_from_now_on_is_told(config):
    first, second = manifests(config, replace(config, lists=(a_list(mode="observe"),)))
    assert told(first, second) == [
        ("policy_changed", {"list": "national", "what": "changed", "mode": "observe"})
    ]


def test_lists_that_come_and_go_are_told(config):
    first, second, third = manifests(config, replace(config, lists=(a_list(), a_list("other"))), config)
    assert told(first, second) == [("policy_changed", {"list": "other", "what": "added", "mode": "enforce"})]
    assert told(second, third) == [("policy_changed", {"list": "other", "what": "removed", "mode": None})]


def test_exemptions_are_told_by_a_keyed_digest_and_never_by_what_they_exempt(config):
    one, two = an_exemption("good.example"), an_exemption("fine.example")
    plain, both, late = manifests(
        config, replace(config, exemptions=(one, two)), replace(config, exemptions=(two,))
    )
    added, removed = told(plain, both), told(both, late)
    assert [event for event, _ in added] == ["exemption_added", "exemption_added"]
    # The other one has another number now, and is the same exemption all the same.
    assert [event for event, _ in removed] == ["exemption_removed"]
    assert "example" not in str(added) + str(removed)
    assert removed[0][1]["digest"] in {facts["digest"] for _, facts in added}


def test_profiles_and_steering_are_told(config):
    lists = (a_list(), a_list("school", legal_basis=LegalBasis.SUBSCRIBER))
    plain = replace(config, lists=lists)
    schools = a_profile("schools", ["198.51.100.0/24"], ["school"])
    first, second = manifests(plain, replace(plain, profiles=(schools,), dns=dns(steer_to=("192.0.2.80",))))
    assert told(first, second) == [
        ("profile_changed", {"profile": "schools"}),
        ("policy_changed", {"steering": 1}),
    ]


def test_an_exemption_that_ends_is_told_once(config):
    ending = replace(config, exemptions=(an_exemption("good.example", until=date(2026, 11, 21)),))
    (manifest,) = manifests(ending)
    midnight = 1_795_305_600.0  # 2026-11-22T00:00:00Z
    assert [one.event for one in expired(manifest, midnight - 60, midnight)] == ["exemption_expired"]
    assert expired(manifest, midnight, midnight + 60) == []
    assert expired(manifest, midnight - 120, midnight - 60) == []
