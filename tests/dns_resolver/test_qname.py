"""Names reach the engine so that no odd byte hides a listed suffix, and none invents one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listing_engine import FakeEngine, blocked

from cop_filter.verdict import Action
from dns_resolver import qname

DOTS = (".", "\u3002", "\uff0e", "\uff61", "\u2024")


def decide(*labels):
    return qname.decide(FakeEngine({"bad.example": blocked()}), qname.text(labels)).action


@pytest.mark.parametrize(
    "labels",
    [
        [b"bad", b"example"],
        [b"BAD", b"ExAmple"],
        [b"_sip", b"_tcp", b"bad", b"example"],
        [b"*", b"bad", b"example"],
        [b"a b", b"bad", b"example"],
        [b"\x00\xff", b"www", b"bad", b"example"],
        [b"www", b"\xff", b"bad", b"example"],
        [b"%62ad", b"bad", b"example"],
        [b"a.b", b"bad", b"example"],
        [b"a/b", b"bad", b"example"],
        *([f"x{dot}y".encode(), b"bad", b"example"] for dot in DOTS),
        ["\u2100".encode(), b"bad", b"example"],  # account of: a/c
        ["\u1100\u1161".encode(), b"bad", b"example"],
        ["sch\u00f6n".encode(), b"bad", b"example"],
        [b"xn--invalid", b"bad", b"example"],
        [b"xn--invalid", b"www", b"xn--invalid2", b"bad", b"example"],
        [b"x"] * 120 + [b"bad", b"example"],
    ],
)
def test_what_stands_before_a_listed_name_does_not_hide_it(labels):
    assert decide(*labels) is Action.BLOCK


@pytest.mark.parametrize(
    "labels",
    [
        [],
        [b"example"],
        [b"bad.example"],
        [b"x.bad", b"example"],
        [b"b%61d", b"example"],
        *([f"x{dot}bad".encode(), b"example"] for dot in DOTS),
        *([f"bad{dot}example".encode()] for dot in DOTS),
        ["b\uff0561d".encode(), b"example"],  # a full-width percent sign
        [b"bad", b"example\x00"],
        [b"notbad", b"example"],
        [b"bad", b"example", b"invalid"],
        [b"bad", b"example", b"xn--invalid"],
    ],
)
def test_what_is_another_name_is_not_taken_for_the_listed_one(labels):
    assert decide(*labels) is Action.ALLOW


def test_an_odd_label_never_makes_a_listed_host_of_what_is_below_it():
    engine = FakeEngine()
    qname.decide(engine, qname.text([b"\xff", b"www", b"bad", b"example"]))
    assert engine.asked == ["_.www.bad.example"]


@given(st.lists(st.binary(min_size=1, max_size=63), max_size=10))
def test_the_text_is_never_longer_than_the_name(labels):
    text = qname.text(labels)
    assert len(text.encode()) <= sum(len(label) + 1 for label in labels) + 8 * len(labels)
    assert text == text.lower() or not text.isascii()


@given(st.lists(st.from_regex(rb"[a-z0-9_-]{1,63}", fullmatch=True), min_size=1, max_size=5))
def test_plain_names_are_passed_as_they_are(labels):
    assert qname.text(labels) == b".".join(labels).decode()
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    assert qname.labels(wire) == labels
