"""Public suffixes: the rules as the publicsuffixlist package reads them, and faster."""

from functools import cache

import pytest
from generations import a_list
from hypothesis import given, settings
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList
from reviewing import NOTHING, RULES, guards_of

from cop_filter.entries import parse_as
from cop_filter.formats import Chunk
from cop_filter.guards import Review
from cop_filter.guards.suffixes import public_suffixes, tail


@cache
def library() -> PublicSuffixList:
    return PublicSuffixList()


def some_names() -> st.SearchStrategy[str]:
    rules = public_suffixes()
    known = sorted(rules.exact | rules.wild | rules.exceptions)
    labels = st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), max_size=3)
    ends = st.sampled_from(known) | st.sampled_from(["unknown-tld", "test", "invalid"])
    return st.builds(lambda front, end: ".".join([*front, end]), labels, ends)


@settings(deadline=None)  # the first call reads the rules
@given(some_names())
def test_registered_domains_are_those_of_the_library(name: str) -> None:
    assert public_suffixes().registered(name) == (library().privatesuffix(name) or name)
    assert public_suffixes().is_suffix(name) == (library().publicsuffix(name) == name)


@settings(deadline=None)  # the first call reads the rules
@given(some_names())
def test_a_name_that_ends_as_no_odd_rule_does_has_two_or_three_labels(name: str) -> None:
    rules = public_suffixes()
    if not name.endswith(rules.wild_ends) and rules.odd_tails.isdisjoint({tail(name), tail(name, 3)}):
        assert rules.registered(name) == tail(name, 3 if tail(name) in rules.two_labels else 2)


def test_every_rule_and_everything_above_one_is_covered() -> None:
    rules = public_suffixes()
    for name in rules.exact | rules.wild:
        assert rules.covers(name)
        while "." in (name := name.partition(".")[2]):
            assert rules.covers(name)
    assert not any(rules.is_suffix(name) for name in rules.exceptions)


@pytest.mark.parametrize(
    ("name", "registered"),
    [
        ("a.b.example", "b.example"),
        ("b.example", "b.example"),
        ("a.b.co.example", "b.co.example"),
        ("co.example", "co.example"),
        ("a.x.wild.example", "a.x.wild.example"),
        ("b.a.x.wild.example", "a.x.wild.example"),
        ("a.www.wild.example", "www.wild.example"),
        ("a.b.c.zz", "b.c.zz"),
        ("a.b.test", "b.test"),
    ],
)
def test_private_wildcard_and_exception_rules_count(name: str, registered: str) -> None:
    assert RULES.registered(name) == registered


def test_a_keyword_in_the_name_of_a_suffix_would_block_every_site_below_it() -> None:
    def found(word: str) -> list[str]:
        one = Review(a_list(), None, None, NOTHING, suffixes=RULES)
        one.add(Chunk([parse_as("keyword", word)], [], 1))
        return guards_of(one.report(1))

    assert found("free") == found("example") == ["public-suffix"]
    assert found("freedom") == found("wildest") == []
