"""Entries under each registered domain: of a list, and after changes of it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reviewing import NOTHING, RULES

from cop_filter.entries import Entry, parse, parse_as
from cop_filter.errors import ListRefused
from cop_filter.guards.names import Names, is_address

TEXTS = [
    "a.example", "www.a.example", "x.y.a.example", "*.a.example", "=b.example", "http://b.example/p",
    "http://b.example/p?q", "a.co.example", "www.a.co.example", "b.co.example", "co.example",
    "c.dyn.co.example", "http://www.c.dyn.co.example/p", "me.free.example", "http://x.me.free.example/p",
    "d.wild.example", "e.d.wild.example", "www.wild.example", "http://x.www.wild.example/", "a.b.zz",
    "c.a.b.zz", "http://192.0.2.1/p", "http://192.0.2.1/q", "http://[2001:db8::1]/p", "keyword:planted",
]  # fmt: skip
LINES = st.lists(st.sampled_from(TEXTS), max_size=60)


def read(text: str) -> Entry:
    word = text.removeprefix("keyword:")
    return parse(text) if word == text else parse_as("keyword", word)


def domain(text: str) -> str | None:
    if text.startswith("keyword:"):
        return None
    host = read(text).key.partition("/")[0]
    return host if is_address(host) else RULES.registered(host)


def counted(texts: list[str]) -> Counter[str]:
    return Counter(name for text in texts if (name := domain(text)) is not None)


def seen(come: list[str], go: list[str] = [], before: bytes | None = None) -> Names:  # noqa: B006  never changed
    names = Names(NOTHING, RULES, before=before)
    names.add([read(text) for text in come], None)
    names.remove([read(text) for text in go])
    return names


@given(LINES, st.integers(0, 9))
def test_a_whole_list_is_counted_as_a_counter_does(texts: list[str], limit: int) -> None:
    counts = counted(texts)
    over = sum(count > limit for count in counts.values())
    assert seen(texts).per_domain(limit) == (over, max(counts.values(), default=0))


@given(LINES, st.lists(st.tuples(LINES, st.integers(0, 60)), max_size=4), st.integers(0, 9))
def test_after_changes_a_domain_counts_at_most_one_too_many(
    texts: list[str], changes: list[tuple[list[str], int]], limit: int
) -> None:
    kept = seen(texts).counts()
    for come, gone in changes:
        go, texts = texts[:gone], [*texts[gone:], *come]
        names = seen(come, go, kept)
        kept = names.counts()
        exact = {name: counted(texts)[name] for name in counted(come)}
        least = sum(count > limit for count in exact.values())
        most = sum(count + 1 > limit for count in exact.values())
        over, busiest = names.per_domain(limit)
        assert least <= over <= most
        assert max(exact.values(), default=0) <= busiest <= max(exact.values(), default=-1) + 1
    told = {name for name, count in counted(texts).items() if count > 1}
    assert len(told) <= (len(kept) - 16) // 12


def test_what_is_kept_is_under_a_key_of_its_own_and_names_nothing() -> None:
    texts = ["a.example", "www.a.example"]
    one, other = seen(texts).counts(), seen(texts).counts()
    assert len(one) == 16 + 12
    assert one[:16] != other[:16]
    assert one[16:24] != other[16:24]
    changed = seen(["http://a.example/p"], before=one).counts()
    assert (changed[:24], changed[24:]) == (one[:24], (3).to_bytes(4, "big"))


@pytest.mark.parametrize("damaged", [b"short", bytes(16 + 13), bytes(16 + 24)])
def test_what_is_kept_and_damaged_is_refused(damaged: bytes) -> None:
    with pytest.raises(ListRefused, match="fetched whole"):
        Names(NOTHING, RULES, before=damaged)
