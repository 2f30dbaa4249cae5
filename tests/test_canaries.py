"""Canaries: gathered from three places, bounded, kept, and turned into questions that they must stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.canaries import (
    CONTROL_HOST,
    MOST,
    SELF_TEST,
    SELF_TEST_HOST,
    Canary,
    Gathering,
    Question,
    from_bytes,
    of_generation,
    question,
    to_bytes,
)
from cop_filter.entries import Entry, parse, parse_as
from cop_filter.errors import StateError
from cop_filter.manifest import ListState, Manifest
from cop_filter.policy import ListPolicy, ProfilePolicy
from cop_filter.verdict import Kind, LegalBasis, Plane


def test_declared_canaries_come_before_those_that_the_list_marks_and_none_comes_twice() -> None:
    gathering = Gathering(["a.example", "http://h.example/p"])
    gathering.add([parse("b.example"), parse("a.example")])
    assert gathering.entries == (parse("a.example"), parse("http://h.example/p"), parse("b.example"))


def test_what_is_no_entry_is_no_canary() -> None:
    assert Gathering(["192.0.2.1", "a.example"]).entries == (parse("a.example"),)


def test_a_list_that_marks_everything_has_no_more_canaries_than_can_be_asked_for() -> None:
    gathering = Gathering(["first.example"])
    for number in range(3 * MOST):
        gathering.add([parse(f"n{number}.example")])
    assert len(gathering.entries) == MOST
    assert gathering.entries[0] == parse("first.example")


def test_a_change_keeps_what_stays_and_leaves_out_what_goes() -> None:
    gathering = Gathering([], held=[parse("a.example"), parse("b.example")])
    gathering.remove([parse("a.example"), parse("z.example")])
    gathering.add([parse("c.example")])
    assert gathering.entries == (parse("b.example"), parse("c.example"))


ENTRIES = ["a.example", "*.b.example", "=c.example", "http://h.example/ü?q", "http://h.example/d/",
           "http://h.example/a/*/b?*"]  # fmt: skip


def test_what_is_kept_is_what_was_gathered() -> None:
    entries = tuple(parse(text) for text in ENTRIES)
    assert from_bytes(to_bytes(entries)) == entries


@given(st.binary(max_size=60))
def test_a_corrupt_file_is_refused_by_name(raw: bytes) -> None:
    try:
        assert isinstance(from_bytes(raw), tuple)
    except StateError as error:
        assert "canaries are corrupt" in str(error)  # noqa: PT017  whatever is read without, is fine


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a.example", Question("a.example", None)),
        ("*.a.example", Question("canary.a.example", None)),
        ("=a.example", Question("a.example", None)),
        ("http://h.example/p?q=1", Question("h.example", "http://h.example/p?q=1")),
        ("http://h.example/d/", Question("h.example", "http://h.example/d/")),
        ("http://h.example/a/*/b", Question("h.example", "http://h.example/a/x/b")),
    ],
)
def test_the_question_is_one_that_the_entry_stops(text: str, asked: Question) -> None:
    assert question(parse(text)) == asked


def test_a_keyword_is_asked_for_at_a_host_that_no_list_holds() -> None:
    assert question(parse_as("keyword", "sampleword")).url == f"http://{CONTROL_HOST}/sampleword"


class Held:
    """A generation with three lists: enforced, observed, and one for the clients of a profile."""

    manifest = Manifest(
        1, 0.0, False,
        tuple(
            ListState(ListPolicy(list_id, "A", "csam", LegalBasis.SUBSCRIBER, (Plane.DNS,), mode=mode))
            for list_id, mode in (("on", "enforce"), ("dry", "observe"), ("school", "enforce"),
                                  ("bare", "enforce"), (SELF_TEST, "enforce"))
        ),
        "", (ProfilePolicy("schools", ("school",)),),
    )  # fmt: skip

    def attachment(self, list_id: str, name: str) -> bytes | None:
        assert name == "canaries"
        return None if list_id == "bare" else to_bytes([parse(f"{list_id}.example")])


def test_the_canaries_of_a_generation_are_those_of_the_lists_that_it_enforces() -> None:
    dns = (Plane.DNS,)
    assert of_generation(Held()) == (
        Canary("on", parse("on.example"), dns),
        Canary("school", parse("school.example"), dns, "schools"),
        Canary(SELF_TEST, Entry(Kind.HOST, SELF_TEST_HOST), dns),
    )
