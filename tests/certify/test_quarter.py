"""Quarters are calendar quarters in UTC."""

from datetime import UTC, datetime

import pytest

from cop_filter.certify.quarter import Quarter


@pytest.mark.parametrize(
    ("word", "start", "end"),
    [("2026Q1", (2026, 1), (2026, 4)), ("2026Q2", (2026, 4), (2026, 7)), ("2026Q4", (2026, 10), (2027, 1))],
)
def test_its_bounds_are_the_first_seconds_of_months(
    word: str, start: tuple[int, int], end: tuple[int, int]
) -> None:
    quarter = Quarter.parse(word)
    assert str(quarter) == word
    assert quarter.start == datetime(*start, 1, tzinfo=UTC).timestamp()
    assert quarter.end == datetime(*end, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "word", ["", "2026", "2026Q0", "2026Q5", "1926Q1", "2026q4", "2026Q4 ", "\uff12\uff10\uff12\uff16Q4"]
)
def test_other_words_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match="such as 2026Q4"):
        Quarter.parse(word)
