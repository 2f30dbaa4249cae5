"""Compiling a generation: fresh lists, carried lists, the operator's own, and what makes one stale."""

import pytest
from generations import a_config, a_list, a_profile, an_exemption, dns, publish

import cop_filter
from cop_filter import compiler
from cop_filter.entries import parse
from cop_filter.errors import GuardFailed
from cop_filter.sources import Vouched
from cop_filter.store import Store
from cop_filter.verdict import Action, Kind, LegalBasis, Plane


def test_a_list_that_is_not_refreshed_is_carried_over_whole(tmp_path):
    config = a_config(tmp_path, a_list("a"), a_list("b"))
    publish(config, a=["a.example", "http://h.example/g/*/x"], b=["b.example"])
    publish(config, b=["c.example"])
    engine = cop_filter.open(tmp_path)
    assert engine.decide_host("a.example").list_id == "a"
    assert engine.decide_url("http://h.example/g/1/x").kind is Kind.PATTERN
    assert engine.decide_host("b.example").action is Action.ALLOW
    manifest = Store(tmp_path).manifest(2)
    assert [(state.policy.id, state.entries) for state in manifest.lists[:2]] == [("a", 2), ("b", 1)]
    assert manifest.lists[0] == Store(tmp_path).manifest(1).lists[0]


def test_lists_follow_the_order_of_the_configuration_when_it_changes(tmp_path):
    publish(a_config(tmp_path, a_list("a"), a_list("b")), a=["a.example"], b=["b.example"])
    publish(a_config(tmp_path, a_list("new"), a_list("b"), a_list("a")))
    engine = cop_filter.open(tmp_path)
    assert engine.decide_host("a.example").list_id == "a"
    assert engine.decide_host("b.example").list_id == "b"


def test_a_list_that_left_the_configuration_leaves_the_next_generation(tmp_path):
    publish(a_config(tmp_path, a_list("a"), a_list("b")), a=["a.example"], b=["b.example"])
    publish(a_config(tmp_path, a_list("b")))
    engine = cop_filter.open(tmp_path)
    assert engine.decide_host("a.example").action is Action.ALLOW
    assert engine.decide_host("b.example").action is Action.BLOCK


def test_a_list_that_never_loaded_is_in_the_manifest_without_a_time(tmp_path):
    publish(a_config(tmp_path, a_list("a"), a_list("b")), a=["a.example"])
    state = Store(tmp_path).manifest(1).lists[1]
    assert (state.policy.id, state.entries, state.published_at) == ("b", 0, None)


def test_leaving_a_draft_without_publishing_changes_nothing(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["bad.example"])
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", [])
        assert draft.count("national") == 0
    assert Store(tmp_path).numbers() == [1]
    assert cop_filter.open(tmp_path).decide_host("bad.example").action is Action.BLOCK


def test_replacing_in_chunks_counts_distinct_entries(tmp_path):
    config = a_config(tmp_path)
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", [parse("a.example"), parse("A.example")])
        draft.replace("national", [parse("b.example"), parse("a.example")])
        assert draft.count("national") == 2
        draft.publish({"national": "digest"})
    state = Store(tmp_path).manifest(1).lists[0]
    assert (state.entries, state.digest) == (2, "digest")


def test_a_draft_says_which_entries_the_list_in_force_holds(tmp_path):
    config = a_config(tmp_path, a_list("a"), a_list("b"))
    asked = [parse(text) for text in ("a.example", "http://H.example/%70", "http://h.example/g/*/x",
                                      "=a.example", "b.example", "http://h.example/g/*/y")]  # fmt: skip
    with compiler.draft(Store(tmp_path), config) as draft:
        assert draft.holds("a", asked) == [False] * 6
    publish(config, a=["a.example", "http://h.example/p", "http://h.example/g/*/x"], b=["b.example"])
    with compiler.draft(Store(tmp_path), config) as draft:
        assert draft.holds("a", asked) == [True, True, True, False, False, False]
        draft.replace("b", [asked[0]])
        assert draft.holds("b", asked[:5]) == [False, False, False, False, True]
        assert draft.holds("unknown", asked[:1]) == [False]


def test_a_list_is_replaced_or_amended_and_amended_once(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["a.example"])
    new = [parse("b.example")]
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.amend("national", new, [])
        with pytest.raises(ValueError, match="either amended or replaced"):
            draft.amend("national", [], new)
        with pytest.raises(ValueError, match="either amended or replaced"):
            draft.replace("national", new)
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", new)
        with pytest.raises(ValueError, match="either amended or replaced"):
            draft.amend("national", new, [])


def test_what_signatures_say_of_a_list_is_in_the_manifest_until_they_say_otherwise(tmp_path):
    config = a_config(tmp_path, a_list("a"), a_list("b"))

    def said(vouched, **fresh):
        with compiler.draft(Store(tmp_path), config) as draft:
            for list_id, texts in fresh.items():
                draft.replace(list_id, [parse(text) for text in texts])
            number = draft.publish({}, vouched)
        return [(state.version, state.expires_at) for state in Store(tmp_path).manifest(number).lists[:2]]

    first = {"a": Vouched(7, 2000.0), "b": Vouched(1)}
    assert said(first, a=["a.example"], b=["b.example"]) == [(7, 2000.0), (1, None)]
    assert said({}, b=["c.example"]) == [(7, 2000.0), (None, None)]
    assert said({"a": Vouched(8, 3000.0)}) == [(8, 3000.0), (None, None)]
    assert cop_filter.open(tmp_path).decide_host("a.example").action is Action.BLOCK


def test_what_is_written_is_proven_while_it_is_aside_and_may_be_refused(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["a.example"])

    def prove(generation):
        assert generation.manifest.generation == 2
        assert generation.holds("national", [parse("b.example")]) == [True]
        assert Store(tmp_path).numbers() == [1]
        raise GuardFailed("it blocks what it should not")

    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", [parse("b.example")])
        with pytest.raises(GuardFailed):
            draft.publish({}, prove=prove)
    assert Store(tmp_path).numbers() == [1]
    assert not list((tmp_path / "generations").glob("aside-*"))


def test_the_host_of_the_self_test_is_blocked_on_every_plane_whatever_the_lists_hold(tmp_path):
    config = a_config(tmp_path, a_list(mode="observe"))
    publish(config, national=["a.example"])
    engine = cop_filter.open(tmp_path)
    for plane in Plane:
        found = engine.decide_host("selftest.cop-filter.invalid", plane=plane)
        assert (found.action, found.list_id, found.category) == (Action.BLOCK, "self-test", "self-test")
        assert engine.decide_host("www.selftest.cop-filter.invalid", plane=plane).action is Action.ALLOW


def test_the_list_of_the_self_test_never_closes_the_network_when_deciding_fails(tmp_path):
    publish(a_config(tmp_path, a_list(on_failure="open")), national=["a.example"])
    policy = Store(tmp_path).manifest(1).policy
    assert all(policy.on_fault(plane).action is Action.ALLOW for plane in Plane)


@pytest.mark.parametrize(
    "change",
    [
        {"lists": (a_list(mode="observe"),)},
        {"lists": (a_list(legal_basis=LegalBasis.ORDER),)},
        {"lists": (a_list(), a_list("another"))},
        {"lists": (a_list(source="https://elsewhere.example/list"),)},
        {"exemptions": (an_exemption("ok.example"),)},
        {"dns": dns(steer_to=("192.0.2.90",))},
        {"profiles": (a_profile("schools", ["198.51.100.0/24"], ["national"]),)},
    ],
)
def test_a_generation_is_stale_when_policy_profiles_exemptions_or_steering_change(tmp_path, change):
    publish(a_config(tmp_path), national=["bad.example"])
    assert not compiler.stale(Store(tmp_path), a_config(tmp_path))
    rest = {key: value for key, value in change.items() if key != "lists"}
    changed = a_config(tmp_path, *change.get("lists", (a_list(),)), **rest)
    assert compiler.stale(Store(tmp_path), changed)
    publish(changed)
    assert not compiler.stale(Store(tmp_path), changed)


def test_the_networks_of_a_profile_are_no_matter_of_the_generation(tmp_path):
    here = a_profile("schools", ["198.51.100.0/24"], ["national"])
    publish(a_config(tmp_path, profiles=(here,)), national=["bad.example"])
    there = a_profile("schools", ["203.0.113.0/24"], ["national"])
    assert not compiler.stale(Store(tmp_path), a_config(tmp_path, profiles=(there,)))
    for path in Store(tmp_path).folder(1).iterdir():
        assert b"198.51.100" not in path.read_bytes()


def test_nothing_published_is_stale(tmp_path):
    Store(tmp_path).prepare()
    assert compiler.stale(Store(tmp_path), a_config(tmp_path))


def test_a_draft_starts_from_the_newest_whole_generation_when_the_current_one_is_damaged(tmp_path):
    config = a_config(tmp_path, a_list("a"), a_list("b"))
    publish(config, a=["a.example"], b=["b.example"])
    publish(config, a=["c.example"])
    index = Store(tmp_path).folder(2) / "index"
    index.write_bytes(index.read_bytes()[:-1])
    assert compiler.stale(Store(tmp_path), config)
    publish(config)
    engine = cop_filter.open(tmp_path)
    assert engine.generation == 3
    assert engine.decide_host("b.example").action is Action.BLOCK


def test_a_draft_repairs_a_corrupt_pointer(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["a.example"])
    (tmp_path / "current").write_text("nonsense")
    assert compiler.stale(Store(tmp_path), config)
    assert publish(config) == 2
    assert cop_filter.open(tmp_path).decide_host("a.example").action is Action.BLOCK
