"""A statement is read only if it is one, and counts only for who signed it, as it is, for what it says."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import signing
from cop_filter.decision import MAX_BYTES, Decision, Needed, Verb, Version, heard
from cop_filter.errors import SignatureRefused
from cop_filter.provenance import KEYS, LIST
from cop_filter.signing import Person, SigningKey

ANN_KEY, BEN_KEY, OLD_KEY = (SigningKey.generate() for _ in range(3))
ANN, BEN = Person("ann", ANN_KEY.public), Person("ben", BEN_KEY.public)
REPORT = {
    "entries": 8000,
    "in_force": None,
    "added": 8000,
    "removed": 0,
    "kinds": {"domain": 8000},
    "classes": {"registered domain": 8000},
    "findings": [{"guard": "growth", "reason": "grew from 100 to 8000 entries"}],
}
VERSION = Version.of_report("20270115-00000001", "national", "0a" * 32, {**REPORT, "first_errors": "line 7"})
APPROVES = Decision("approve", VERSION, "ann", 101)
NEEDED = Needed("approve", VERSION, since=100.0, until=101.0)


def refused(document: bytes, needed: Needed = NEEDED) -> str:
    with pytest.raises(SignatureRefused) as error:
        heard(document, [ANN, BEN], needed)
    return str(error.value)


def changed(document: bytes, **said: object) -> bytes:
    """As somebody changes a document who has no key."""
    whole = json.loads(document)
    whole["signed"] |= said
    return json.dumps(whole).encode()


def test_a_statement_is_read_back_as_it_was_written() -> None:
    assert Decision.read(APPROVES.unsigned()) == APPROVES
    assert Decision.read(APPROVES.signed(ANN_KEY)) == APPROVES


def test_it_tells_what_people_are_shown_of_a_report_and_nothing_else() -> None:
    assert APPROVES.said()["report"] == REPORT


def test_who_signed_it_is_heard() -> None:
    assert heard(APPROVES.signed(ANN_KEY), [BEN, ANN], NEEDED) == ANN


def test_who_has_two_keys_is_heard_by_either() -> None:
    old = Person("ann", OLD_KEY.public)
    assert heard(APPROVES.signed(OLD_KEY), [ANN, old], NEEDED) == old
    assert heard(APPROVES.signed(ANN_KEY), [old, ANN], NEEDED) == ANN


def test_unsigned_or_signed_by_somebody_else_it_is_nobodys() -> None:
    for document in (APPROVES.unsigned(), APPROVES.signed(BEN_KEY), APPROVES.signed(OLD_KEY)):
        assert "not signed with the key that the configuration has for ann" in refused(document)


def test_in_the_name_of_a_stranger_it_is_refused_and_the_choices_are_told() -> None:
    assert "who may: ann, ben" in refused(replace(APPROVES, by="eve").signed(ANN_KEY))
    with pytest.raises(SignatureRefused, match="who may: nobody"):
        heard(APPROVES.signed(ANN_KEY), [], NEEDED)


def test_changed_after_it_was_signed_it_is_nobodys() -> None:
    document = APPROVES.signed(ANN_KEY)
    assert "not signed with the key that the configuration has for ben" in refused(
        changed(document, by="ben")
    )
    rejects = changed(document, decision="reject")
    assert "not signed" in refused(rejects, replace(NEEDED, verb="reject"))
    assert "not signed" in refused(changed(document, at=102), replace(NEEDED, until=102.0))


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(VERSION, item="20270115-00000002"), "another quarantined version than 20270115-00000002"),
        (replace(VERSION, list_id="trial"), "another list or digest than 20270115-00000001"),
        (replace(VERSION, digest="0b" * 32), "another list or digest than 20270115-00000001"),
        (replace(VERSION, report={**REPORT, "added": 7999}), "something else than the guards say"),
        (replace(VERSION, report={**REPORT, "findings": []}), "something else than the guards say"),
    ],
)
def test_for_another_version_list_or_report_it_says_nothing(other: Version, why: str) -> None:
    said = refused(APPROVES.signed(ANN_KEY), replace(NEEDED, version=other))
    assert why in said
    assert "quarantine statement" in said


@pytest.mark.parametrize("verb", ["reject", "reveal"])
def test_signed_to_approve_it_does_nothing_else(verb: Verb) -> None:
    assert f"to approve a version, and not to {verb} it" in refused(
        APPROVES.signed(ANN_KEY), replace(NEEDED, verb=verb)
    )


def test_it_counts_after_what_went_live_and_not_from_the_future() -> None:
    document = APPROVES.signed(ANN_KEY)
    assert "is over" in refused(document, replace(NEEDED, since=101.0))
    assert "from the future" in refused(document, replace(NEEDED, until=100.5))


@pytest.mark.parametrize("purpose", [LIST, KEYS, "audit-checkpoint", "approval"])
def test_a_document_of_another_purpose_is_no_statement(purpose: str) -> None:
    foreign = {"type": purpose, "list": "national", "version": 7}
    assert "no statement" in refused(signing.seal(foreign, purpose, [ANN_KEY]))
    # The same words, signed for another purpose, are not signed for this one.
    assert "not signed" in refused(signing.seal(APPROVES.said(), purpose, [ANN_KEY]))


@pytest.mark.parametrize(
    "said",
    [
        {"also": 1},
        {"type": LIST},
        {"decision": "publish"},
        {"decision": ["approve"]},
        {"at": True},
        {"at": -1},
        {"at": 253_402_300_800},
        {"at": "101"},
        {"by": ""},
        {"by": None},
        {"list": "national\nlist trial"},
        {"digest": "\x1b[2J"},
        {"quarantine": "\u202e1"},
        {"report": None},
        {"report": {**REPORT, "entries": "many"}},
        {"report": {**REPORT, "entries": True}},
        {"report": {**REPORT, "kinds": []}},
        {"report": {**REPORT, "kinds": {"domain\n": 1}}},
        {"report": {**REPORT, "findings": [{"guard": "growth"}]}},
        {"report": {**REPORT, "findings": [{"guard": "growth", "reason": "a\rb"}]}},
        {"report": {**REPORT, "first_errors": "line 7"}},
    ],
)
def test_what_is_not_exactly_a_statement_is_none_though_it_is_signed(said: dict[str, Any]) -> None:
    whole = {**APPROVES.said(), **said}
    message = refused(signing.seal(whole, APPROVES.said()["type"], [ANN_KEY]))
    assert message.startswith("this is no statement about a quarantined version")


def test_a_document_that_reads_two_ways_is_nobodys() -> None:
    document = APPROVES.signed(ANN_KEY).replace(b'"by": "ann"', b'"by": "ben", "by": "ann"')
    assert "not signed" in refused(document)


def test_a_document_without_end_is_not_read() -> None:
    assert f"larger than {MAX_BYTES} bytes" in refused(APPROVES.signed(ANN_KEY) + b" " * MAX_BYTES)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(max_size=300) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_garbage_is_no_statement(raw: bytes) -> None:
    assert "no statement" in refused(raw)


@given(st.sampled_from(sorted(APPROVES.said())), _JSON)
def test_a_statement_with_garbage_in_it_is_refused_with_the_one_error(field: str, value: object) -> None:
    if value == APPROVES.said()[field]:
        return
    refused(changed(APPROVES.signed(ANN_KEY), **{field: value}))


@given(st.data())
def test_no_damaged_statement_counts_for_anything_else(data: st.DataObject) -> None:
    raw = bytearray(APPROVES.signed(ANN_KEY))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        person = heard(bytes(raw), [ANN, BEN], NEEDED)
    except SignatureRefused:
        return
    assert (person, Decision.read(bytes(raw))) == (ANN, APPROVES)
