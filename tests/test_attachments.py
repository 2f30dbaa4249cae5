"""Sealed files of a list: carried over with it, lost with it, never mistaken for another's."""

import os
import signal
from multiprocessing import get_context

import pytest
from generations import a_config, a_list

import cop_filter
from cop_filter import compiler
from cop_filter.attachments import box_digest, file_name, open_attachment, seal_attachment
from cop_filter.entries import parse
from cop_filter.errors import StateError
from cop_filter.loader import best_generation
from cop_filter.store import Store
from cop_filter.verdict import Action

KEY = bytes(range(32))


def publish(config, *, store=None, attached=(), **entries_by_list):
    with compiler.draft(store or Store(config.state_dir), config) as draft:
        for list_id, texts in entries_by_list.items():
            draft.replace(list_id, [parse(text) for text in texts])
        for list_id, name, clear in attached:
            draft.attach(list_id, name, clear)
        return draft.publish()


def attached(state_dir, list_id="a", name="prints"):
    return best_generation(Store(state_dir)).attachment(list_id, name)


def two_lists(state_dir):
    return a_config(state_dir, a_list("a"), a_list("b"))


def test_what_was_attached_to_a_list_is_carried_over_for_as_long_as_the_list(tmp_path):
    config = two_lists(tmp_path)
    both = [("a", "prints", b"planted prints"), ("a", "canaries", b"planted canaries")]
    publish(config, a=["a.example"], attached=both)
    for number in range(7):
        publish(config, b=[f"b{number}.example"])
    assert attached(tmp_path) == b"planted prints"
    assert attached(tmp_path, name="canaries") == b"planted canaries"
    assert attached(tmp_path, "b") is None
    assert attached(tmp_path, "unknown") is None
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"planted" not in path.read_bytes(), path
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_was_attached_is_lost_when_its_list_is_replaced_or_amended_without_it(tmp_path):
    config = two_lists(tmp_path)
    for change in ("replace", "amend"):
        publish(config, a=["a.example"], attached=[("a", "prints", b"old"), ("a", "canaries", b"old")])
        with compiler.draft(Store(tmp_path), config) as draft:
            new = [parse("b.example")]
            draft.replace("a", new) if change == "replace" else draft.amend("a", new, [])
            draft.attach("a", "prints", b"new")
            draft.publish()
        assert attached(tmp_path) == b"new"
        assert attached(tmp_path, name="canaries") is None


def test_something_else_may_be_attached_to_a_list_that_is_carried_over(tmp_path):
    config = two_lists(tmp_path)
    publish(config, a=["a.example"], attached=[("a", "prints", b"prints"), ("a", "canaries", b"old")])
    publish(config, attached=[("a", "canaries", b"new")])
    assert (attached(tmp_path), attached(tmp_path, name="canaries")) == (b"prints", b"new")


@pytest.mark.parametrize("name", ["", "../prints", "Prints", "prints-a"])
def test_a_name_that_is_no_word_of_ours_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="small letters"):
        file_name("a", name)


def test_a_box_of_another_list_name_or_version_is_refused():
    box = seal_attachment("a", "prints", b"clear", KEY)
    assert open_attachment("a", "prints", box, KEY, box_digest(box)) == b"clear"
    for list_id, name, key in (("b", "prints", KEY), ("a", "canaries", KEY), ("a", "prints", bytes(32))):
        with pytest.raises(StateError, match="refused"):
            open_attachment(list_id, name, box, key, box_digest(box))
    older = seal_attachment("a", "prints", b"clear", KEY)
    with pytest.raises(StateError, match="not those of this generation"):
        open_attachment("a", "prints", older, KEY, box_digest(box))


def test_a_damaged_or_lost_attachment_is_reported_where_it_is_asked_for_and_enforcement_goes_on(tmp_path):
    config = two_lists(tmp_path)
    publish(config, a=["a.example"], attached=[("a", "prints", b"prints"), ("a", "canaries", b"canaries")])
    folder = Store(tmp_path).folder(1)
    (folder / "attached-prints-a").write_bytes(b"damaged")
    (folder / "attached-canaries-a").unlink()
    for name in ("prints", "canaries"):
        with pytest.raises(StateError, match=f"the {name} of list a"):
            attached(tmp_path, name=name)
    assert cop_filter.open(tmp_path).decide_host("a.example").action is Action.BLOCK
    publish(config, b=["b.example"])
    assert attached(tmp_path, name="canaries") is None


def test_where_there_are_no_links_an_attachment_is_copied(tmp_path, monkeypatch):
    config = two_lists(tmp_path)
    publish(config, a=["a.example"], attached=[("a", "prints", b"prints")])

    def no_link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("cop_filter.store.Path.hardlink_to", no_link)
    publish(config, b=["b.example"])
    assert attached(tmp_path) == b"prints"


def die_at(state_dir, step):
    def at_step(reached):
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    next_one(state_dir, Store(state_dir, at_step=at_step))


def next_one(state_dir, store):
    publish(two_lists(state_dir), store=store, b=["new.example"], attached=[("b", "prints", b"new")])


def test_killed_at_any_step_a_publisher_leaves_whole_attachments(tmp_path):
    first = {"a": ["a.example"], "b": ["b.example"]}
    boxes = [("a", "prints", b"a"), ("b", "prints", b"b")]
    steps = []
    publish(two_lists(tmp_path / "trace"), attached=boxes, **first)
    next_one(tmp_path / "trace", Store(tmp_path / "trace", at_step=steps.append))
    assert {"carry attached-prints-a", "write attached-prints-b"} < set(steps)
    for place, step in enumerate(steps):
        state = tmp_path / str(place)
        publish(two_lists(state), attached=boxes, **first)
        publisher = get_context("fork").Process(target=die_at, args=(state, step))
        publisher.start()
        publisher.join()
        assert publisher.exitcode == -signal.SIGKILL
        moved = cop_filter.open(state).decide_host("new.example").action is Action.BLOCK
        assert moved is (step == "prune")
        assert attached(state) == b"a"
        assert attached(state, "b") == (b"new" if moved else b"b")
        next_one(state, Store(state))
        assert (attached(state), attached(state, "b")) == (b"a", b"new")
