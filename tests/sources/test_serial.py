"""Serial numbers go round (RFC 1982)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.sources.serial import newer

SERIAL = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(("one", "than"), [(1, 0), (0, 0xFFFFFFFF), (0x80000000, 1), (5, 0xFFFFFF00)])
def test_a_serial_is_newer_across_the_end_of_the_numbers(one: int, than: int) -> None:
    assert newer(one, than)
    assert not newer(than, one)


@given(SERIAL, SERIAL)
def test_no_serial_is_newer_than_itself_nor_are_two_than_each_other(one: int, other: int) -> None:
    assert not newer(one, one)
    assert not (newer(one, other) and newer(other, one))


def test_half_a_round_apart_neither_is_newer() -> None:
    assert not newer(0, 1 << 31)
    assert not newer(1 << 31, 0)
