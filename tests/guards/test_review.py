"""Each guard over whole versions of a list: what it lets pass, what it finds, and in which words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewing import guards_of, names, never_block, review, version

from cop_filter.guards import Accepted, GuardReport
from cop_filter.verdict import Kind


def test_a_believable_version_passes_and_its_report_counts_it() -> None:
    held = names(100)
    report = review([*held[5:], *names(3, 500), "http://h.example/p"], held=held)
    assert report.passed
    assert (report.entries, report.in_force, report.added, report.removed) == (99, 100, 4, 5)
    assert report.kinds == {"domain": 98, "url": 1}
    assert report.classes["entries for whole registered domains"] == 98


def test_every_guard_is_heard_and_no_entry_is_told() -> None:
    held = names(200, start=1000)
    listed = ["free.example", "host.example", *["twice.example"] * 100, "192.0.2.1", "192.0.2.0/24"]
    report = review(
        listed,
        held=held,
        protected=never_block("host.example"),
        canaries=["harmless.example"],
        max_bad_share=0.0,
        max_per_domain=1,
        kinds=(Kind.URL,),
    )
    assert guards_of(report) == [
        "bad-lines", "addresses", "shrink", "churn", "never-block", "public-suffix", "per-domain", "kinds",
        "canaries", "duplicates",
    ]  # fmt: skip
    told = json.dumps(report.as_fields()) + report.reason
    assert not any(word in told for word in ("free.", "host.example", "twice", "harmless", "192.0.2"))


def test_a_report_survives_json() -> None:
    report = review([*names(10), "free.example"], held=names(10))
    assert not report.passed
    assert GuardReport.of_fields(json.loads(json.dumps(report.as_fields()))) == report
    accepted = report.accepted(7.0)
    assert accepted == Accepted(7.0, 11, 1, 0, {"domain": 11}, believed=False)


# ---------------------------------------------------------------- difference


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
    st.sets(st.integers(0, 30), min_size=1, max_size=20),
)
def test_the_difference_is_that_of_the_sets_also_when_entries_repeat(read: list[int], held: set[int]) -> None:
    everything = names(31)
    report = review([everything[n] for n in read], held=[everything[n] for n in held])
    assert report.added == len(set(read) - held)
    assert report.removed == len(held - set(read))


def test_a_new_list_is_all_new() -> None:
    report = review(names(500))
    assert report.passed
    assert (report.in_force, report.added, report.removed) == (None, 500, 0)


def test_a_change_is_judged_by_what_comes_and_goes() -> None:
    held = names(1000)
    small = review(names(10, 5000), held=held, removed=held[:5], is_change=True)
    assert small.passed
    assert (small.entries, small.added, small.removed) == (1005, 10, 5)
    large = review(names(400, 5000), held=held, removed=held[:200], is_change=True)
    assert guards_of(large) == ["churn"]
    assert "400 entries come and 200 go, of 1000 in force" in large.reason


# ---------------------------------------------------------------- churn


def test_as_many_may_come_and_go_as_the_settings_say() -> None:
    held = names(1000)
    exchanged = [*held[250:], *names(250, 5000)]
    assert review(exchanged, held=held).passed
    assert guards_of(review(exchanged, held=held, max_churn=0.4)) == ["churn"]
    assert review(exchanged, held=held, max_churn=0.0, free_change=500).passed


def test_what_is_usual_is_the_median_of_the_lists_own_history() -> None:
    held = names(10_000)
    grown = [*held, *names(300, 50_000)]
    habits = [version(10_000, churn, at) for at, churn in enumerate((9, 10, 11, 4000))]
    assert guards_of(review(grown, held=held, history=habits)) == ["usual-churn"]
    assert review(grown, held=held, history=habits, max_churn_jump=40).passed
    assert review(grown, held=held, history=habits[:2]).passed, "two versions are no habit"


def test_a_list_that_was_out_of_reach_for_long_brings_what_came_meanwhile() -> None:
    held = names(10_000)
    grown = [*held, *names(300, 50_000)]
    habits = [version(10_000, 10, at=3600.0 * hour) for hour in range(10)]
    assert guards_of(review(grown, held=held, history=habits, now=10 * 3600.0)) == ["usual-churn"]
    assert review(grown, held=held, history=habits, now=30 * 3600.0).passed


def test_versions_that_filled_an_empty_list_or_changed_nothing_are_no_habit() -> None:
    held = names(1000)
    history = [Accepted(0, 1000, 1000, 0), *(version(1000, 0, at) for at in range(9))]
    assert review([*held, *names(400, 5000)], held=held, history=history).passed


# ---------------------------------------------------------------- what it holds


def test_a_registered_domain_may_have_so_many_entries() -> None:
    pages = [f"http://h{number}.busy.example/p" for number in range(30)]
    assert review(pages, max_per_domain=30).passed
    report = review([*pages, "busy.example"], max_per_domain=30)
    assert report.reason == (
        "1 registered domain has more entries than max_per_domain (30) allows, the busiest 31"
    )


def test_sites_below_a_private_suffix_are_each_a_domain_of_their_own() -> None:
    assert review(names(200, ending="free.example"), max_per_domain=1).passed
    assert review([f"http://192.0.2.{n}/p" for n in range(200)], max_per_domain=1).passed
    assert review([f"http://[2001:db8::{n}]/p" for n in range(1, 200)], max_per_domain=1).passed


def test_what_is_in_force_was_accepted_and_is_not_asked_again() -> None:
    held = [*names(20), "free.example", "host.example"]
    assert review([*held, "new.example"], held=held, protected=never_block("host.example")).passed


def test_kinds_that_the_settings_do_not_name_are_refused() -> None:
    pages = ["http://h.example/p", "http://h.example/dir/"]
    assert review(pages, kinds=(Kind.URL, Kind.PREFIX)).passed
    report = review(pages, kinds=(Kind.URL,))
    assert report.reason.startswith("the list holds 1 of kind prefix, and its `kinds` allow url only")


def test_a_list_of_pages_may_hold_hosts_where_its_settings_or_its_history_know_of_some() -> None:
    pages = [f"http://h{number}.example/p" for number in range(60)]
    listed = [*pages, "whole.example"]
    of_pages = [version(60, 3, url=60)]
    assert guards_of(review(listed, held=pages, history=of_pages)) == ["new-kinds"]
    assert review(listed, held=pages, history=of_pages, kinds=(Kind.URL, Kind.DOMAIN)).passed
    assert review(listed, held=pages, history=[*of_pages, version(61, 1, url=60, host=1)]).passed
    assert review(listed, held=pages, history=[version(60, 3)]).passed, "nobody noted what it held"


def test_declared_and_vouched_canaries_must_be_there() -> None:
    canaries = ("canary.example", "http://canary.example/p")
    assert review([*names(5), *canaries], canaries=canaries[:1]).passed
    report = review([*names(5), canaries[0]], canaries=canaries)
    assert guards_of(report) == ["canaries"]
    assert "1 of its 2 canaries are missing" in report.reason


def test_a_change_may_leave_the_canaries_alone_and_not_take_them_away() -> None:
    held = [*names(10), "canary.example"]
    kept = review(names(1, 50), held=held, is_change=True, canaries=["canary.example"])
    assert kept.passed
    taken = review([], held=held, removed=["canary.example"], is_change=True, canaries=["canary.example"])
    assert guards_of(taken) == ["canaries"]


def test_a_list_that_says_everything_twice_and_again_is_refused() -> None:
    twice = names(100) * 2
    assert review(twice).passed
    assert guards_of(review(names(100) * 3)) == ["duplicates"]
    assert review(names(10) * 6).passed, "few lines may repeat"


def test_pages_of_hosts_that_the_list_blocks_whole_are_a_contradiction() -> None:
    pages = [f"http://www.h{number}.example/p" for number in range(1000)]
    hosts = [f"h{number}.example" for number in range(100)]
    assert review([*pages, *hosts]).passed
    report = review([*hosts, *pages, "*.h100.example"])
    assert guards_of(report) == ["conflicts"]
    assert "101 of 1000 page entries are of hosts that the list itself blocks whole" in report.reason
    assert review([*pages, *(f"=h{number}.example" for number in range(500))]).passed


# ---------------------------------------------------------------- addresses


def test_addresses_are_hosts_where_the_settings_allow_them() -> None:
    report = review(["192.0.2.1", "198.51.100.0/30", "2001:db8::/126", "a.example"], allow_addresses=True)
    assert report.passed
    assert (report.entries, report.bad_lines, report.kinds) == (10, 0, {"domain": 1, "host": 9})


@pytest.mark.parametrize(
    "network",
    ["10.0.0.0/8", "198.51.100.0/23", "2001:db8::/64", "192.0.2.1/24", "*.192.0.2.1", "192.0.2.1:80"],
)
def test_large_and_crooked_networks_stay_refused(network: str) -> None:
    report = review([*names(50), network], allow_addresses=True)
    assert (report.entries, report.bad_lines) == (50, 1)


def test_a_canary_that_is_no_entry_is_one_that_no_version_has() -> None:
    report = review(["one.example"], canaries=["one.example", "192.0.2.0/24"])
    assert guards_of(report) == ["canaries"]
    assert "1 of its 2 canaries" in report.reason
