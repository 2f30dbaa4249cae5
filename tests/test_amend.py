"""A list after a change is the list that would have been read whole, or the change is refused."""

import pytest
from generations import a_config, a_list, publish
from hypothesis import given, settings
from hypothesis import strategies as st

import cop_filter
from cop_filter import compiler
from cop_filter.entries import parse, parse_as
from cop_filter.errors import ListRefused
from cop_filter.index import Builder, open_index
from cop_filter.store import Store
from cop_filter.verdict import Action

KEY = bytes(range(32))

TEXTS = [
    "a.example", "A.example", "b.example", "*.a.example", "=a.example", "=www.a.example",
    "http://a.example/p", "https://a.example/p", "http://a.example/%70", "http://a.example/%2570",
    "http://a.example/p?*", "http://a.example/p?q", "http://a.example/p/", "http://a.example/", "http://b.example/p",
    "http://a.example/g/*/x", "http://a.example/%67/*/x", "http://a.example/g/*/x?*", "http://b.example/g/*/y",
    "http://192.0.2.1/p", "http://0xc0000201/p", "keyword:planted", "keyword:Planted", "keyword:other",
]  # fmt: skip
LINES = st.sets(st.sampled_from(TEXTS))


def read(text):
    word = text.removeprefix("keyword:")
    return parse(text) if word == text else parse_as("keyword", word)


def meaning(text):
    """All of an entry but its spelling."""
    return read(text)._replace(tag=0)


def built(path, entries, *, other=()):
    builder = Builder(KEY)
    builder.add(0, [read(text) for text in other])
    builder.add(1, [read(text) for text in entries])
    return written(path, builder)


def written(path, builder):
    """(the counts, the file without its label counts and code, the automaton's entries, the index)"""
    counts = builder.settle(2)
    builder.write(str(path))
    content = path.read_bytes()
    rest = content[:32] + content[40:96] + content[128:]
    return counts, rest, builder.automaton_entries, open_index(str(path), KEY)


@settings(max_examples=400, deadline=None)
@given(LINES, LINES, LINES, LINES)
def test_a_list_after_a_change_is_as_if_it_had_been_read_whole(tmp_path_factory, base, gone, come, other):
    folder = tmp_path_factory.mktemp("amended")
    gone, come = gone & base, come - base
    stay = base - gone
    _, _, automaton, index = built(folder / "base", base, other=other)
    ambiguous = {meaning(text) for text in gone} & {meaning(text) for text in stay}
    ambiguous |= {meaning(text) for text in come} & {meaning(text) for text in stay}
    twice = len({meaning(text) for text in gone}) < len(gone)
    builder = Builder(KEY)
    parts = (index, automaton), (1, 1), [read(text) for text in come], [read(text) for text in gone]
    if ambiguous or twice:
        with pytest.raises(ValueError, match=r"list in force|of several lines"):
            builder.amend(*parts)
        builder.carry(index, automaton, {0: 0, 1: 1})
        assert written(folder / "next", builder)[:3] == built(folder / "whole", base, other=other)[:3]
    else:
        builder.amend(*parts)
        builder.carry(index, automaton, {0: 0})
        assert written(folder / "next", builder)[:3] == built(folder / "whole", stay | come, other=other)[:3]


def amend(config, list_id="national", *, come=(), gone=()):
    with compiler.draft(Store(config.state_dir), config) as draft:
        draft.amend(list_id, [read(text) for text in come], [read(text) for text in gone])
        count = draft.count(list_id)
        draft.publish({list_id: "after"})
    return count


def test_a_change_is_in_force_after_publishing_and_other_lists_are_as_they_were(tmp_path):
    config = a_config(tmp_path, a_list(), a_list("other"))
    publish(config, national=["a.example", "http://h.example/p"], other=["http://h.example/p", "a.example"])
    publish(config, other=["o.example"])
    assert amend(config, come=["b.example", "http://i.example/g/*/x"], gone=["http://h.example/p"]) == 3
    engine = cop_filter.open(tmp_path)
    for blocked in ("a.example", "b.example", "o.example"):
        assert engine.decide_host(blocked).action is Action.BLOCK
    assert engine.decide_url("http://i.example/g/1/x").action is Action.BLOCK
    assert engine.decide_url("http://h.example/p").action is Action.ALLOW
    states = Store(tmp_path).manifest(3).lists
    assert [(state.entries, state.digest) for state in states[:2]] == [(3, "after"), (1, "")]


def test_a_host_is_no_longer_inspected_when_its_last_page_goes(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["http://h.example/p", "http://h.example/q/", "http://h.example/g/*/x"])
    for gone in ("http://h.example/p", "http://h.example/g/*/x", "http://h.example/q/"):
        assert cop_filter.open(tmp_path).inspects("h.example")
        amend(config, gone=[gone])
    assert not cop_filter.open(tmp_path).inspects("h.example")


@pytest.mark.parametrize(
    ("come", "gone"),
    [
        (["a.example"], []),
        (["A.EXAMPLE"], []),
        ([], ["b.example"]),
        ([], ["=a.example"]),
        ([], ["http://h.example/%70"]),
        ([], ["a.example", "a.example"]),
        ([], ["http://h.example/twice"]),
        ([], ["http://h.example/g/*/two"]),
        (["http://h.example/g/*/y"], []),
        ([], ["keyword:planted"]),
    ],
)
def test_a_change_that_is_not_one_of_the_list_in_force_is_refused(tmp_path, come, gone):
    config = a_config(tmp_path, a_list(), a_list("other"))
    held = ["a.example", "http://h.example/p", "http://h.example/g/*/y", "http://h.example/twice",
            "http://h.example/tw%69ce", "http://h.example/g/*/two", "http://h.example/%67/*/two"]  # fmt: skip
    publish(config, national=held, other=["b.example", "=a.example"])
    with pytest.raises(ListRefused, match=r"does not fit: .*; fetch the list whole") as refused:
        amend(config, come=come, gone=gone)
    assert "example" not in str(refused.value)
    assert Store(tmp_path).numbers() == [1]


def test_a_change_of_a_list_that_never_loaded_is_refused(tmp_path):
    config = a_config(tmp_path, a_list(), a_list("other"))
    with pytest.raises(ListRefused, match="fetch the list whole"):
        amend(config, come=["a.example"])
    publish(config, national=["a.example"])
    with pytest.raises(ListRefused, match="fetch the list whole"):
        amend(config, "other", come=["a.example"])


def test_a_new_spelling_may_take_the_place_of_another(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["http://h.example/p%61ge"])
    assert amend(config, come=["http://h.example/page"], gone=["http://h.example/p%61ge"]) == 1
    assert amend(config, gone=["http://h.example/page"]) == 0
