"""An approval is worth what the configuration says when it is used, for the version that it names."""

import json

import pytest
from generations import a_list
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import signing
from cop_filter.approval import Version, approvers, enough, sign, statement
from cop_filter.signing import Person, SigningKey

ANN_KEY, BEN_KEY, EVE_KEY = (SigningKey.generate() for _ in range(3))
ANN, BEN, EVE = Person("ann", ANN_KEY.public), Person("ben", BEN_KEY.public), Person("eve", EVE_KEY.public)
WANTED = a_list(approvers=(ANN, BEN), approvals=2)
VERSION = Version("20270115-00000001", "national", "0a" * 32)


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
    both = signing.seal(statement(VERSION, "ben", 101), "approval", [ANN_KEY])
    assert names([both]) == ([], False)


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
        Version("20270115-00000002", "national", "0a" * 32),
        Version("20270115-00000001", "trial", "0a" * 32),
        Version("20270115-00000001", "national", "0b" * 32),
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
    more = signing.seal({**statement(VERSION, "ann", 101), "also": 1}, "approval", [ANN_KEY])
    as_list = signing.seal(statement(VERSION, "ann", 101), "list", [ANN_KEY])
    never = signing.seal({**statement(VERSION, "ann", 101), "at": True}, "approval", [ANN_KEY])
    assert names([more, as_list, never], since=0.0) == ([], False)


@given(st.data())
def test_no_changed_approval_counts_for_anything_else(data: st.DataObject) -> None:
    raw = bytearray(sign(VERSION, "ann", 101, ANN_KEY))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    found, _ = names([bytes(raw)])
    assert found == [] or json.loads(raw)["signed"] == statement(VERSION, "ann", 101)
