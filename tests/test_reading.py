"""A fetched list or change, read as often as needed, and proven by its lines."""

from dataclasses import replace

import pytest
from generations import a_list
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import fingerprints
from cop_filter.errors import BadFormat, ListRefused
from cop_filter.reading import Reading
from cop_filter.sources import Fetched, Validators, Vouched

LINES = ["a.example", "b.example", "http://c.example/page"]
names = st.sets(st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True), min_size=1, max_size=40)


def body(lines):
    return "".join(f"{line}\n" for line in lines).encode()


def fetched(lines, *, of=None, removed=(), base=None):
    """What comes, vouched for as a whole that has the lines `of`."""
    whole = fingerprints.digest(fingerprints.of_lines(sorted(lines if of is None else of)))
    return Fetched(
        {"": body(lines)},
        Validators(),
        "digest",
        Vouched(1, entries_digest=whole),
        base,
        body(removed),
        "plain",
    )


def keys(chunks):
    return [entry.key for chunk in chunks for entry in chunk.entries]


def test_a_list_is_read_as_often_as_it_is_asked_for():
    one = Reading(a_list(), fetched(LINES))
    assert keys(one.chunks()) == keys(one.chunks()) == ["a.example", "b.example", "c.example/page"]
    assert not one.is_change
    assert one.removed() == []


def test_a_change_may_only_bring_or_only_take():
    takes = Reading(a_list(), fetched([], of=LINES, removed=["d.example"], base="older"))
    assert (keys(takes.chunks()), [entry.key for entry in takes.removed()]) == ([], ["d.example"])
    brings = Reading(a_list(), fetched(["d.example"], of=LINES, base="older"))
    assert (keys(brings.chunks()), brings.removed()) == (["d.example"], [])


def test_a_whole_list_without_a_line_is_no_list():
    with pytest.raises(BadFormat):
        list(Reading(a_list(format="auto"), replace(fetched(LINES), raw={"": b"\n"}, format=None)).chunks())


def test_a_change_that_takes_what_is_no_entry_is_refused():
    with pytest.raises(ListRefused, match="no entry"):
        Reading(a_list(), fetched([], removed=["no entry"], base="older")).removed()


@given(names, names)
def test_the_fingerprints_of_a_change_are_those_of_the_list_that_it_makes(before, after):
    old = fingerprints.of_lines(sorted(before))
    change = fetched(sorted(after - before), of=after, removed=sorted(before - after), base="older")
    assert Reading(a_list(), change).prints(old) == fingerprints.of_lines(sorted(after))


@pytest.mark.parametrize("other", [LINES[:-1], [*LINES, "d.example"], [*LINES[:-1], "d.example"]])
def test_other_lines_than_were_vouched_for_are_refused(other):
    with pytest.raises(ListRefused, match="vouches for"):
        Reading(a_list(), fetched(other, of=LINES)).prints(None)


def test_a_change_of_another_list_than_is_held_is_refused():
    change = fetched(["d.example"], of=LINES, removed=["e.example"], base="older")
    for held in (None, fingerprints.of_lines(["a.example"])):
        with pytest.raises(ListRefused, match="does not fit"):
            Reading(a_list(), change).prints(held)


def test_a_line_that_is_there_twice_is_refused():
    with pytest.raises(ListRefused):
        Reading(a_list(), fetched(["a.example", "a.example"], of=["a.example"])).prints(None)


def test_where_nothing_is_vouched_for_there_are_no_fingerprints():
    assert Reading(a_list(), replace(fetched(LINES), vouched=None)).prints(None) is None
