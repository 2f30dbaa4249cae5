"""The cache keeps answers for their lifetime, in no more room than it may take."""

import tracemalloc

import pytest

from dns_resolver.cache import MAX_STALE_S, Cache
from dns_resolver.message import Answer, Asked


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def asked(number, **flags):
    label = str(number).encode()
    return Asked(bytes([len(label)]) + label + b"\x07example\x00", 1, **flags)


def answer(lifetime_s=60, body=b"body", hosts=()):
    return Answer(0, 1, 0, body, ((6, lifetime_s),), lifetime_s, hosts)


def test_an_answer_is_kept_for_its_lifetime_and_tells_its_age(clock):
    cache = Cache(10_000, clock)
    cache.put(asked(1), answer())
    clock.now_s += 59.5
    assert cache.get(asked(1)) == (answer(), 59.5)
    clock.now_s += 0.5
    assert cache.get(asked(1)) is None


def test_an_expired_answer_serves_for_a_day_when_nothing_else_does(clock):
    cache = Cache(10_000, clock)
    cache.put(asked(1), answer())
    clock.now_s += 60 + MAX_STALE_S - 1
    assert cache.stale(asked(1)) == answer()
    clock.now_s += 1
    assert cache.stale(asked(1)) is None


def test_a_failure_is_remembered_briefly_but_never_in_place_of_an_answer(clock):
    cache = Cache(10_000, clock)
    failure = Answer(2, lifetime_s=1)
    cache.put(asked(1), failure)
    assert cache.get(asked(1)) is not None
    assert cache.stale(asked(1)) is None
    cache.put(asked(1), answer())
    clock.now_s += 60
    cache.put(asked(1), failure)
    assert cache.stale(asked(1)) == answer()


def test_flags_that_change_the_answer_are_kept_apart(clock):
    cache = Cache(10_000, clock)
    cache.put(asked(1, do=True), answer())
    assert cache.get(asked(1)) is None
    assert cache.get(asked(1, do=True, cd=True)) is None
    assert cache.get(asked(1, do=True)) is not None


def test_what_may_not_be_kept_is_not(clock):
    cache = Cache(10_000, clock)
    cache.put(asked(1), answer(lifetime_s=0))
    cache.put(asked(2), answer(body=b"x" * 10_000))
    assert len(cache) == 0
    assert cache.used_bytes == 0


def test_the_least_recently_used_answer_makes_room(clock):
    cache = Cache(3500, clock)
    for number in range(3):
        cache.put(asked(number), answer())
    cache.get(asked(0))
    cache.put(asked(3), answer())
    assert [cache.get(asked(number)) is not None for number in range(4)] == [True, False, True, True]


def test_replacing_and_dropping_give_the_room_back(clock):
    cache = Cache(10_000, clock)
    cache.put(asked(1), answer(body=b"x" * 500))
    large = cache.used_bytes
    cache.put(asked(1), answer())
    assert cache.used_bytes < large
    cache.drop(asked(1))
    cache.drop(asked(1))
    assert cache.used_bytes == 0


def test_the_bound_is_kept_in_real_memory(clock):
    cache = Cache(4 << 20, clock)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(20_000):
            cache.put(
                asked(number),
                answer(lifetime_s=100_000 + number, body=bytes(80), hosts=(f"h{number}.example",)),
            )
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert cache.used_bytes <= 4 << 20
    assert len(cache) < 20_000
    assert 0.5 * (4 << 20) < used <= 1.05 * (4 << 20)
