"""Patterns and keywords: literal factor first, then exact verification."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cop_filter.keywords import Automaton, literal_factor, verifier
from cop_filter.verdict import Kind

KEY = bytes(32)


def found(text, key, kind=Kind.PATTERN):
    return bool(list(Automaton([(0, kind, text)], KEY).find(key)))


@pytest.mark.parametrize(
    "key", ["h.example/a/x/b", "h.example/a/xyz/b", "h.example/a//b".replace("//", "/-/")]
)
def test_a_wild_card_is_any_run_within_a_segment(key):
    assert found("h.example/a/*/b", key)


@pytest.mark.parametrize(
    "key",
    ["h.example/a/x/y/b", "h.example/a/x/b/c", "h.example/a/x/b?q=1", "h.example/a/x?/b", "h.example/a/b",
     "www.h.example/a/x/b", "h.example/A/x/b", "xh.example/a/x/b"],
)  # fmt: skip
def test_a_wild_card_covers_nothing_beyond_its_segment(key):
    assert not found("h.example/a/*/b", key)


@pytest.mark.parametrize(("query", "matches"), [("", True), ("?", True), ("?a=/b?c", True), ("/x", False)])
def test_a_pattern_for_any_query_matches_with_and_without_one(query, matches):
    assert found("h.example/a/*?*", "h.example/a/b" + query) is matches


def test_a_pattern_with_a_query_matches_that_query_only():
    assert found("h.example/a/*?x=1", "h.example/a/b?x=1")
    assert not found("h.example/a/*?x=1", "h.example/a/b?x=2")
    assert not found("h.example/a/*?x=1", "h.example/a/b")


def test_several_wild_cards_in_one_segment_all_have_to_fit():
    assert found("h.example/img-*-*.jpg", "h.example/img-a-b.jpg")
    assert found("h.example/img-*-*.jpg", "h.example/img-a-b-c.jpg")
    assert not found("h.example/img-*-*.jpg", "h.example/img-a.jpg")


def test_a_keyword_stands_alone_and_case_does_not_matter():
    assert found("badword", "h.example/a/BadWord.html", Kind.KEYWORD)
    assert found("badword", "h.example/?q=badword", Kind.KEYWORD)
    assert not found("badword", "h.example/badwords", Kind.KEYWORD)
    assert not found("badword", "h.example/notbadword", Kind.KEYWORD)


def test_the_longest_literal_part_is_what_the_automaton_looks_for():
    assert literal_factor(Kind.PATTERN, "h.example/*/long-literal/*") == "/long-literal/"
    assert literal_factor(Kind.KEYWORD, "badword") == "badword"


def test_references_are_opaque_stable_and_differ_between_keys():
    entries = [(3, Kind.PATTERN, "h.example/a/*")]
    [(number, kind, reference)] = Automaton(entries, KEY).find("h.example/a/b")
    assert (number, kind) == (3, Kind.PATTERN)
    assert [(3, Kind.PATTERN, reference)] == list(Automaton(entries, KEY).find("h.example/a/c"))
    assert [reference] != [hit[2] for hit in Automaton(entries, bytes([1]) * 32).find("h.example/a/b")]


def test_entries_of_several_lists_that_share_a_factor_are_all_found():
    entries = [
        (0, Kind.PATTERN, "h.example/a/*"),
        (1, Kind.PATTERN, "h.example/a/*"),
        (2, Kind.KEYWORD, "example"),
    ]
    hits = list(Automaton(entries, KEY).find("h.example/a/b"))
    assert [(number, kind) for number, kind, _ in hits] == [
        (0, Kind.PATTERN), (1, Kind.PATTERN), (2, Kind.KEYWORD),
    ]  # fmt: skip


def test_a_hostile_url_is_verified_without_backtracking():
    # With backtracking this would take longer than the universe has: that it ends is the test.
    pattern = verifier(Kind.PATTERN, "h.example/" + "a*" * 25 + "b")
    assert not pattern.search("h.example/" + "a" * 32_000)


SEGMENT = st.text("ab*", min_size=1, max_size=6)
PATH = st.text("ab/", max_size=10)


@settings(max_examples=500, deadline=None)
@given(st.lists(SEGMENT, min_size=1, max_size=3), PATH)
def test_verification_agrees_with_a_plain_backtracking_expression(segments, path):
    text = "h/" + "/".join(segments)
    plain = re.compile("".join("[^/?]*" if char == "*" else re.escape(char) for char in text))
    assert bool(verifier(Kind.PATTERN, text).search("h/" + path)) is bool(plain.fullmatch("h/" + path))
