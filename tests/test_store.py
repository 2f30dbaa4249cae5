"""Generations on disk: crash-safe publishing, one writer, many readers, rollback."""

import json
import os
import signal
import stat
from multiprocessing import get_context

import pytest
from generations import a_config, publish

import cop_filter
from cop_filter import manifest as manifests
from cop_filter.errors import StateError
from cop_filter.loader import load_snapshot
from cop_filter.store import Store
from cop_filter.verdict import Action


def blocks(state_dir, host):
    return cop_filter.open(state_dir).decide_host(host).action is Action.BLOCK


def test_the_state_folder_and_its_key_are_for_their_owner_only(tmp_path):
    publish(a_config(tmp_path / "state"), national=["bad.example"])
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "index.key").stat().st_mode) == 0o600


def test_a_key_that_others_may_read_is_refused(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    (tmp_path / "index.key").chmod(0o644)
    with pytest.raises(StateError, match="chmod 600"):
        store.keys()


def test_preparing_again_keeps_the_key(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    key = (tmp_path / "index.key").read_bytes()
    store.prepare()
    assert (tmp_path / "index.key").read_bytes() == key
    assert len(key) == 32


def steps_of_a_publish(tmp_path):
    steps = []
    store = Store(tmp_path, at_step=steps.append)
    publish(a_config(tmp_path), store=store, national=["bad.example"])
    return steps


def die_at(state_dir, step):
    def at_step(reached):
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    publish(a_config(state_dir), store=Store(state_dir, at_step=at_step), national=["new.example"])


def test_killed_at_any_step_a_publisher_leaves_a_whole_generation_in_force(tmp_path):
    steps = steps_of_a_publish(tmp_path / "trace")
    assert steps == [
        "write index", "write patterns", "write manifest", "verify", "sync folder", "rename folder",
        "write pointer", "move pointer", "prune",
    ]  # fmt: skip
    for place, step in enumerate(steps):
        state = tmp_path / str(place)
        publish(a_config(state), national=["old.example"])
        reader = cop_filter.open(state)
        publisher = get_context("fork").Process(target=die_at, args=(state, step))
        publisher.start()
        publisher.join()
        assert publisher.exitcode == -signal.SIGKILL
        moved = step == "prune"
        assert Store(state).current() == (2 if moved else 1)
        assert reader.decide_host("old.example").action is Action.BLOCK
        assert blocks(state, "new.example") is moved
        assert blocks(state, "old.example") is not moved
        # The next publisher is not in the way of what the dead one left, and cleans it up.
        publish(a_config(state), national=["next.example"])
        assert blocks(state, "next.example")
        assert not list((state / "generations").glob("aside-*"))


def test_killed_at_any_step_of_the_first_publish_a_publisher_leaves_nothing_in_force(tmp_path):
    for place, step in enumerate(["write index", "rename folder", "move pointer"]):
        state = tmp_path / str(place)
        publisher = get_context("fork").Process(target=die_at, args=(state, step))
        publisher.start()
        publisher.join()
        assert Store(state).current() is None
        publish(a_config(state), national=["next.example"])
        assert blocks(state, "next.example")


def test_a_second_writer_is_told_so(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    with store.writer(), pytest.raises(StateError, match="another process"), Store(tmp_path).writer():
        pass


def test_old_generations_are_pruned_and_the_newest_stay(tmp_path):
    store = Store(tmp_path, keep=3)
    for number in range(6):
        publish(a_config(tmp_path), store=store, national=[f"n{number}.example"])
    assert store.numbers() == [4, 5, 6]


@pytest.mark.parametrize("name", ["index", "patterns", "manifest"])
def test_a_generation_with_a_corrupt_file_is_refused(tmp_path, name):
    publish(a_config(tmp_path), national=["bad.example", "http://h.example/a/*/b"])
    path = Store(tmp_path).folder(1) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StateError):
        load_snapshot(Store(tmp_path), 1)


def test_an_index_of_another_generation_is_refused(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["one.example"])
    publish(config, national=["two.example"])
    store = Store(tmp_path)
    (store.folder(1) / "index").replace(store.folder(2) / "index")
    with pytest.raises(StateError, match="another generation"):
        load_snapshot(store, 2)


def test_a_manifest_of_another_version_is_refused_and_says_what_to_do(tmp_path):
    publish(a_config(tmp_path), national=["one.example"])
    store = Store(tmp_path)
    path = store.folder(1) / "manifest"
    _, _, body = path.read_bytes().partition(b"\n")
    body = json.dumps({**json.loads(body), "format": 99}).encode()
    path.write_bytes(manifests._code(body, store.keys().manifest) + b"\n" + body)
    with pytest.raises(StateError, match="cop-filter sync"):
        store.manifest(1)


def test_no_listed_text_is_written_anywhere_in_the_state_folder(tmp_path):
    publish(
        a_config(tmp_path),
        national=["planted.example", "http://h.example/planted", "http://h.example/planted/*/x"],
    )
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"planted" not in path.read_bytes(), path


def test_a_damaged_status_reads_as_none(tmp_path):
    store = Store(tmp_path)
    store.prepare()
    assert store.read_status() == {}
    store.write_status({"national": {"state": "ok"}})
    assert store.read_status() == {"national": {"state": "ok"}}
    (tmp_path / "status.json").write_text("{")
    assert store.read_status() == {}


def test_publishes_that_fail_at_the_last_step_do_not_pile_up(tmp_path):
    def fail(step):
        if step == "write pointer":
            raise OSError(28, "No space left on device")

    publish(a_config(tmp_path), national=["bad.example"])
    for _ in range(9):
        with pytest.raises(OSError, match="No space"):
            publish(a_config(tmp_path), store=Store(tmp_path, keep=3, at_step=fail), national=["two.example"])
    assert len(Store(tmp_path).numbers()) <= 3 + 2
    assert blocks(tmp_path, "bad.example")


def test_a_key_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cop_filter.store.os.fsync", full)
    with pytest.raises(StateError, match="No space"):
        Store(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["generations"]


@pytest.mark.parametrize("pointer", [b"", b"x", b"-1", b"\x8f\xff", b"1 2"])
def test_a_corrupt_pointer_is_reported(tmp_path, pointer):
    publish(a_config(tmp_path), national=["one.example"])
    (tmp_path / "current").write_bytes(pointer)
    with pytest.raises(StateError, match="corrupt"):
        Store(tmp_path).current()
