"""Pages against hosts of the same list, in bounded memory."""

from random import Random

import pytest

from cop_filter.entries import parse
from cop_filter.guards.conflicts import Conflicts


def test_past_its_bound_a_share_of_the_registered_domains_stands_for_all() -> None:
    rng = Random(4)
    conflicts = Conflicts(max_names=500)
    for number in range(5000):
        domain = rng.getrandbits(64)
        texts = [f"http://www.h{number}.example/p"] + ([f"h{number}.example"] if number % 4 == 0 else [])
        conflicts.add((parse(text), domain) for text in texts)
    pages, covered = conflicts.count()
    assert 150 <= pages <= 500
    assert covered / pages == pytest.approx(0.25, abs=0.1)
