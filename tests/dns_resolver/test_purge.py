"""After a swap, what may not be told is not kept either, however much is kept."""

import pytest
from listing_engine import blocked, observed, steered

from dns_resolver.message import Answer, Asked
from dns_resolver.purge import purge_listed


def asked(name, qtype=1):
    labels = name.encode().split(b".")
    return Asked(b"".join(bytes([len(label)]) + label for label in labels) + b"\0", qtype)


@pytest.fixture
def kept(cache):
    """Answers under names n0.test, n1.test, ... of which each leads to the same name below `target`."""
    for number in range(50):
        hosts = (asked(f"n{number}.target.example").name, b"\x01\xff\x00")
        cache.put(asked(f"n{number}.test"), Answer(0, lifetime_s=60, hosts=hosts))
    return cache


@pytest.mark.parametrize("step", [1, 7, 1000])
async def test_answers_that_are_or_lead_to_listed_names_are_dropped_in_steps(kept, engine, step, monkeypatch):
    monkeypatch.setattr("dns_resolver.purge._STEP", step)
    engine.listed = {f"n{number}.target.example": blocked() for number in range(0, 50, 2)}
    engine.listed |= {"n1.test": blocked(), "n3.test": steered(), "n5.target.example": steered()}
    engine.listed |= {"n7.test": observed()}
    assert await purge_listed(kept, engine) == 27
    odd = {asked(f"n{number}.test") for number in range(5, 50, 2)}
    assert set(kept.keys()) == odd


async def test_with_nothing_listed_all_is_kept(kept, engine):
    assert await purge_listed(kept, engine) == 0
    assert len(kept) == 50
