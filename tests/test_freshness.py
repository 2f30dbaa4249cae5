"""How long the last word of an authority counts."""

from pathlib import Path

import pytest
from generations import a_config, a_list

from cop_filter.freshness import Word, fresh_until, freshness, with_stale_observed

NOW = 1_800_000_000.0
DAY_S = 86400.0


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Word(), "fresh"),
        (Word(confirmed_at=NOW - DAY_S), "fresh"),
        (Word(confirmed_at=NOW - DAY_S - 1), "stale"),
        (Word(confirmed_at=NOW + DAY_S), "fresh"),
        (Word(confirmed_at=NOW + DAY_S + 1), "stale"),
        (Word(confirmed_at=NOW, expires_at=NOW), "expired"),
        (Word(confirmed_at=NOW, expires_at=NOW + 1), "fresh"),
    ],
)
def test_a_list_is_as_fresh_as_the_last_word_of_its_source(word, expected):
    assert freshness(a_list(stale_after_s=DAY_S), word, NOW) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (Word(), None),
        (Word(confirmed_at=NOW), NOW + DAY_S),
        (Word(confirmed_at=NOW, expires_at=NOW + 5), NOW + 5),
        (Word(confirmed_at=NOW, expires_at=NOW + 2 * DAY_S), NOW + DAY_S),
    ],
)
def test_a_list_stays_fresh_until_the_first_of_its_dates(word, expected):
    assert fresh_until(a_list(stale_after_s=DAY_S), word) == expected
    assert fresh_until(a_list(), word) == word.expires_at


def test_without_a_bound_only_the_authoritys_own_date_counts():
    assert freshness(a_list(), Word(confirmed_at=NOW - 1000 * DAY_S), NOW) == "fresh"


def test_what_is_not_fresh_is_enforced_on_unless_the_operator_said_otherwise():
    config = a_config(Path("state"), a_list("kept"), a_list("waived", on_stale="observe"), a_list("good"))
    old = Word(confirmed_at=NOW, expires_at=NOW - 1)
    found = with_stale_observed(config, {"kept": old, "waived": old}, NOW)
    assert [(one.id, one.mode) for one in found.lists] == [
        ("kept", "enforce"), ("waived", "observe"), ("good", "enforce"),
    ]  # fmt: skip
