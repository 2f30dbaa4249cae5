"""An approval is worth what the configuration says when it is used, for the version that it names."""

import json
from dataclasses import replace

import pytest
from generations import a_list
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import signing
from cop_filter.approval import account, approvers, enough
from cop_filter.decision import Decision, Verb, Version
from cop_filter.signing import Person, SigningKey

ANN_KEY, BEN_KEY, EVE_KEY = (SigningKey.generate() for _ in range(3))
ANN, BEN, EVE = Person("ann", ANN_KEY.public), Person("ben", BEN_KEY.public), Person("eve", EVE_KEY.public)
WANTED = a_list(approvers=(ANN, BEN), approvals=2)
REPORT = {"entries": 8000, "kinds": {}, "classes": {}, "findings": [{"guard": "growth", "reason": "grew"}]}
VERSION = Version.of_report("20270115-00000001", "national", "0a" * 32, REPORT)


def sign(version: Version, name: str, at: int, key: SigningKey) -> bytes:
    return Decision("approve", version, name, at).signed(key)


def names(documents, wanted=WANTED, version=VERSION, since=100.0):
    people = approvers(documents, wanted, version, since)
    return [person.name for person in people], enough(people, wanted)


def test_two_different_people_are_enough_in_any_order() -> None:
    given_ = [sign(VERSION, "ben", 101, BEN_KEY), sign(VERSION, "ann", 101, ANN_KEY)]
    assert names(given_) == (["ann", "ben"], True)
    assert names(given_[:1]) == (["ben"], False)


def test_the_same_person_twice_counts_once() -> None:
    assert names([sign(VERSION, "ann", at, ANN_KEY) for at in (101, 102)]) == (["ann"], False)


def test_one_person_cannot_speak_for_another() -> None:
    assert names([sign(VERSION, "ann", 101, ANN_KEY), sign(VERSION, "ben", 101, ANN_KEY)]) == (["ann"], False)
    assert names([sign(VERSION, "ben", 101, ANN_KEY)]) == ([], False)


def test_one_person_under_two_names_or_with_two_keys_is_still_one() -> None:
    two_names = a_list(approvers=(ANN, Person("anna", ANN.key)), approvals=2)
    given_ = [sign(VERSION, "ann", 101, ANN_KEY), sign(VERSION, "anna", 101, ANN_KEY)]
    assert names(given_, two_names) == (["ann", "anna"], False)
    two_keys = a_list(approvers=(ANN, Person("ann", BEN.key)), approvals=2)
    given_ = [sign(VERSION, "ann", 101, ANN_KEY), sign(VERSION, "ann", 101, BEN_KEY)]
    assert names(given_, two_keys) == (["ann", "ann"], False)


@pytest.mark.parametrize(
    "other",
    [
        replace(VERSION, item="20270115-00000002"),
        replace(VERSION, list_id="trial"),
        replace(VERSION, digest="0b" * 32),
        replace(VERSION, report={**VERSION.report, "entries": 8001}),
    ],
)
def test_an_approval_made_for_another_version_or_list_is_worthless(other: Version) -> None:
    assert names([sign(other, "ann", 101, ANN_KEY), sign(other, "ben", 101, BEN_KEY)]) == ([], False)


def test_an_approver_who_was_removed_no_longer_counts() -> None:
    given_ = [sign(VERSION, "ann", 101, ANN_KEY), sign(VERSION, "ben", 101, BEN_KEY)]
    assert names(given_, a_list(approvers=(ANN, EVE), approvals=2)) == (["ann"], False)


def test_an_approval_from_before_another_version_went_live_is_over() -> None:
    given_ = [sign(VERSION, "ann", 100, ANN_KEY), sign(VERSION, "ben", 101, BEN_KEY)]
    assert names(given_) == (["ben"], False)


def test_without_approvers_no_signature_is_enough() -> None:
    assert not enough([], a_list())


def test_a_statement_that_says_more_or_is_of_another_purpose_is_worthless() -> None:
    said = Decision("approve", VERSION, "ann", 101).said()
    more = signing.seal({**said, "also": 1}, said["type"], [ANN_KEY])
    as_list = signing.seal(said, "list", [ANN_KEY])
    never = signing.seal({**said, "at": True}, said["type"], [ANN_KEY])
    assert names([more, as_list, never], since=0.0) == ([], False)
    assert names([signing.seal(said, said["type"], [ANN_KEY])]) == (["ann"], False)


@pytest.mark.parametrize("verb", ["reject", "reveal"])
def test_who_rejects_or_asks_to_see_a_version_does_not_approve_it(verb: Verb) -> None:
    assert names([Decision(verb, VERSION, "ann", 101).signed(ANN_KEY)]) == ([], False)


def test_an_account_approves_only_this_version_and_not_before_another_went_live() -> None:
    said = Decision("approve", VERSION, "root", 101).said()
    assert account(said, VERSION, 100.0) == "root"
    assert account(said, VERSION, 101.0) is None
    assert account(said, replace(VERSION, digest="0b" * 32), 100.0) is None
    assert account({**said, "decision": "reject"}, VERSION, 100.0) is None
    assert account({**said, "also": 1}, VERSION, 100.0) is None


@given(st.data())
def test_no_changed_approval_counts_for_anything_else(data: st.DataObject) -> None:
    raw = bytearray(sign(VERSION, "ann", 101, ANN_KEY))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    found, _ = names([bytes(raw)])
    assert found == [] or json.loads(raw)["signed"] == Decision("approve", VERSION, "ann", 101).said()
