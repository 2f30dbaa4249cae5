"""Fingerprints of lines, and of a list after a change."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import fingerprints

LINES = st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=30)


def by_definition(lines):
    return b"".join(sorted({hashlib.sha256(line.encode()).digest()[:16] for line in lines}))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=4)))
def test_fingerprints_are_what_their_definition_says(lines):
    assert fingerprints.of_lines(lines) == by_definition(lines)
    assert fingerprints.of_lines(tuple(lines)) == by_definition(lines)
    assert fingerprints.digest(by_definition(lines)) == hashlib.sha256(by_definition(lines)).hexdigest()


@pytest.mark.parametrize("end", ["", "\n"])
def test_those_of_a_large_body_are_those_of_its_lines(end):
    lines = [f"host{number}.example" for number in range(5000)]
    assert fingerprints.of_body(("\n".join(lines) + end).encode()) == by_definition(lines)
    with pytest.raises(ValueError, match="twice"):
        fingerprints.of_body("\n".join([*lines, lines[0]]).encode())
    long = ["x" * (1 << 17), "y"]
    assert fingerprints.of_body("\n".join(long).encode()) == by_definition(long)


@given(LINES, LINES, LINES)
def test_a_change_of_the_fingerprints_is_that_of_the_lines(base, removed, added):
    removed, added = removed & base, added - base
    changed = fingerprints.change(*map(by_definition, (base, removed, added)))
    assert changed == by_definition(base - removed | added)
    assert fingerprints.change(changed, by_definition(added), by_definition(removed)) == by_definition(base)


@given(LINES, LINES, LINES)
def test_a_change_of_another_list_is_refused(base, removed, added):
    prints = [by_definition(lines) for lines in (base, removed, added)]
    if removed <= base and not added & base:
        fingerprints.change(*prints)
    else:
        with pytest.raises(ValueError, match="a line that"):
            fingerprints.change(*prints)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("wrong", [b"short", bytes(32), b"\2" * 16 + b"\1" * 16])
def test_what_are_no_fingerprints_is_refused(place, wrong):
    prints = [b""] * 3
    prints[place] = wrong
    with pytest.raises(ValueError, match=r"a line that|ascending"):
        fingerprints.change(*prints)


def test_a_line_without_utf_8_is_refused():
    with pytest.raises(ValueError, match="surrogates"):
        fingerprints.of_lines(["bad.example", "\udcff"])


@given(LINES.filter(lambda lines: not any("\n" in line for line in lines)), st.booleans())
def test_those_of_a_body_are_those_of_its_lines(lines, last_one_ends):
    body = "\n".join(sorted(lines)).encode() + (b"\n" if last_one_ends and lines else b"")
    # Of nothing but one empty line, no byte is left without its end.
    assert fingerprints.of_body(body) == (by_definition(lines) if body else b"")


@pytest.mark.parametrize("body", [b"a\nb\na\n", b"a\n\xff\n"])
def test_a_body_with_a_line_twice_or_without_text_has_none(body):
    with pytest.raises(ValueError, match=r"a line is there twice|no text in UTF-8"):
        fingerprints.of_body(body)
