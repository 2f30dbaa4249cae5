"""The digest of a zone's lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.sources.zone_digest import ZoneDigest

LINES = st.lists(st.text(max_size=20), max_size=20, unique=True)


def of(lines: list[str]) -> ZoneDigest:
    digest = ZoneDigest()
    digest.add(lines)
    return digest


@given(LINES, st.randoms(use_true_random=False))
def test_order_does_not_matter(lines: list[str], random: object) -> None:
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of(shuffled).hexdigest() == of(lines).hexdigest()


@given(LINES, LINES, LINES)
def test_a_change_leads_to_the_digest_of_what_results(
    stay: list[str], gone: list[str], come: list[str]
) -> None:
    digest = ZoneDigest.from_bytes(of([*stay, *gone]).to_bytes())
    digest.remove(gone)
    digest.add(come)
    assert digest.hexdigest() == of([*stay, *come]).hexdigest()


@given(LINES, LINES)
def test_other_lines_have_another_digest(one: list[str], other: list[str]) -> None:
    assert (of(one).hexdigest() == of(other).hexdigest()) is (set(one) == set(other))


def test_a_sum_of_another_length_is_none() -> None:
    with pytest.raises(ValueError, match="length"):
        ZoneDigest.from_bytes(b"short")
