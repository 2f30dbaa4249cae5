"""Opening the best generation, and swapping when the pointer moves."""

import asyncio
import logging
import shutil
import time

import pytest
from generations import a_config, publish

import cop_filter
from cop_filter.errors import StateError
from cop_filter.hold import Hold
from cop_filter.loader import Watcher
from cop_filter.store import Store
from cop_filter.verdict import Action


def corrupt(state_dir, number):
    path = Store(state_dir).folder(number) / "index"
    path.write_bytes(path.read_bytes()[:-1])


def test_a_damaged_current_generation_falls_back_to_the_newest_whole_one(tmp_path, caplog):
    config = a_config(tmp_path)
    for name in ("one", "two", "three"):
        publish(config, national=[f"{name}.example"])
    corrupt(tmp_path, 3)
    with caplog.at_level(logging.ERROR):
        engine = cop_filter.open(tmp_path)
    assert engine.generation == 2
    assert "generation 3 refused" in caplog.text


def test_a_corrupt_pointer_falls_back_to_the_newest_whole_generation(tmp_path):
    publish(a_config(tmp_path), national=["one.example"])
    (tmp_path / "current").write_text("nonsense")
    assert cop_filter.open(tmp_path).generation == 1


def test_with_no_whole_generation_it_is_an_error_and_not_an_empty_filter(tmp_path):
    publish(a_config(tmp_path), national=["one.example"])
    corrupt(tmp_path, 1)
    with pytest.raises(StateError, match="no generation"):
        cop_filter.open(tmp_path)


@pytest.mark.parametrize("pointer", ["1", "junk"])
def test_with_its_generations_gone_it_is_an_error_and_not_an_empty_filter(tmp_path, pointer):
    publish(a_config(tmp_path), national=["one.example"])
    shutil.rmtree(tmp_path / "generations")
    (tmp_path / "current").write_text(pointer)
    with pytest.raises(StateError, match="no generation"):
        cop_filter.open(tmp_path)


def test_generations_that_cannot_be_seen_are_an_error_and_not_an_empty_filter(tmp_path):
    (tmp_path / "generations").write_text("no folder")
    (tmp_path / "generations").chmod(0o600)
    with pytest.raises(StateError, match="cannot be read"):
        cop_filter.open(tmp_path)


def test_a_vanished_state_folder_leaves_the_generation_in_force(tmp_path):
    config = a_config(tmp_path / "state")
    publish(config, national=["one.example"])
    engine = cop_filter.open(config.state_dir)
    watcher = Watcher(Store(config.state_dir), engine)
    shutil.rmtree(config.state_dir)
    assert not watcher.check()
    assert engine.decide_host("one.example").action is Action.BLOCK


def test_a_new_state_folder_is_followed_even_where_its_numbers_are_the_old_ones(tmp_path):
    config = a_config(tmp_path / "state")
    publish(config, national=["one.example"])
    engine = cop_filter.open(config.state_dir)
    watcher = Watcher(Store(config.state_dir), engine)
    shutil.rmtree(config.state_dir)
    publish(config, national=["two.example"])
    assert watcher.check()
    assert not watcher.check()
    assert engine.decide_host("two.example").action is Action.BLOCK


def test_after_the_newest_generation_was_removed_the_next_one_is_followed(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["one.example"])
    publish(config, national=["two.example"])
    engine = cop_filter.open(tmp_path)
    watcher = Watcher(Store(tmp_path), engine)
    shutil.rmtree(Store(tmp_path).folder(2))
    assert not watcher.check()
    assert publish(config, national=["three.example"]) == 3
    assert watcher.check()
    assert engine.decide_host("three.example").action is Action.BLOCK


def test_a_corrupt_pointer_is_reported_once_while_it_is_polled(tmp_path, caplog):
    publish(a_config(tmp_path), national=["one.example"])
    watcher = Watcher(Store(tmp_path), cop_filter.open(tmp_path))
    (tmp_path / "current").write_text("junk")
    with caplog.at_level(logging.ERROR):
        assert not any(watcher.check() for _ in range(200))
    assert len(caplog.records) == 1


def test_a_watcher_swaps_when_the_pointer_moves_forward_or_back(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["one.example"])
    engine = cop_filter.open(tmp_path)
    swapped = []
    watcher = Watcher(Store(tmp_path), engine, on_swap=lambda its: swapped.append(its.generation))
    assert not watcher.check()
    publish(config, national=["two.example"])
    assert watcher.check()
    assert engine.decide_host("two.example").action is Action.BLOCK
    Store(tmp_path).stages.rollback(Hold(1, 2, 0.0, "ann", "bad"))
    assert watcher.check()
    assert engine.decide_host("two.example").action is Action.ALLOW
    assert swapped == [2, 1]


def test_a_damaged_new_generation_is_reported_once_and_the_old_one_stays(tmp_path, caplog):
    config = a_config(tmp_path)
    publish(config, national=["one.example"])
    engine = cop_filter.open(tmp_path)
    watcher = Watcher(Store(tmp_path), engine)
    publish(config, national=["two.example"])
    corrupt(tmp_path, 2)
    with caplog.at_level(logging.ERROR):
        assert [watcher.check() for _ in range(10)] == [False] * 10
    assert len(caplog.records) == 1
    assert engine.decide_host("one.example").action is Action.BLOCK
    publish(config, national=["three.example"])
    assert watcher.check()


def overwrite(state_dir, number):
    """As a failing disk does: the same file, other bytes."""
    path = Store(state_dir).folder(number) / "index"
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))


def two_generations(state_dir):
    config = a_config(state_dir)
    publish(config, national=["one.example"])
    publish(config, national=["one.example", "two.example"])
    return cop_filter.open(state_dir)


def test_a_generation_that_changes_under_the_engine_is_left_for_an_older_whole_one(tmp_path, caplog):
    engine = two_generations(tmp_path)
    swapped = []
    watcher = Watcher(Store(tmp_path), engine, on_swap=lambda its: swapped.append(its.generation))
    assert not watcher.leave_damaged()
    overwrite(tmp_path, 2)
    with caplog.at_level(logging.ERROR):
        assert watcher.leave_damaged()
    assert "generation 2 has changed since it was opened" in caplog.text
    assert engine.decide_host("one.example").action is Action.BLOCK
    assert not watcher.check()
    assert not watcher.leave_damaged()
    assert (engine.generation, swapped) == (1, [1])


def test_where_nothing_else_is_whole_what_is_left_of_a_generation_stays(tmp_path, caplog):
    engine = two_generations(tmp_path)
    watcher = Watcher(Store(tmp_path), engine)
    overwrite(tmp_path, 1)
    overwrite(tmp_path, 2)
    with caplog.at_level(logging.ERROR):
        assert not any(watcher.leave_damaged() for _ in range(3))
    assert sum("2 is damaged" in each or "stays" in each for each in caplog.messages) == 1
    assert engine.generation == 2


def test_before_the_first_publish_nothing_is_damaged(tmp_path):
    assert not Watcher(Store(tmp_path), cop_filter.open(tmp_path)).leave_damaged()


async def test_a_running_watcher_looks_whether_what_it_has_is_whole(tmp_path):
    engine = two_generations(tmp_path)
    swapped = asyncio.Event()
    overwrite(tmp_path, 2)
    watcher = Watcher(Store(tmp_path), engine, on_swap=lambda _: swapped.set(), poll_s=0.01, verify_s=0.02)
    watching = asyncio.create_task(watcher.run())
    await asyncio.wait_for(swapped.wait(), 5)
    assert engine.generation == 1
    watching.cancel()


async def test_a_running_watcher_swaps_within_a_second_of_a_publish_and_no_question_is_dropped(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=["one.example", "always.example"])
    engine = cop_filter.open(tmp_path)
    swapped = asyncio.Event()
    watching = asyncio.create_task(Watcher(Store(tmp_path), engine, on_swap=lambda _: swapped.set()).run())
    asked = 0

    async def ask():
        nonlocal asked
        while not swapped.is_set():
            assert engine.decide_host("always.example").action is Action.BLOCK
            asked += 1
            await asyncio.sleep(0)

    asking = asyncio.create_task(ask())
    await asyncio.to_thread(publish, config, national=["two.example", "always.example"])
    published = time.monotonic()
    await asyncio.wait_for(swapped.wait(), 5)
    assert time.monotonic() - published < 1
    await asking
    watching.cancel()
    assert asked
    assert engine.generation == 2
