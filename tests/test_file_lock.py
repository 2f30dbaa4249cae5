"""One process at a time, and no waiting for ever."""

import threading
from pathlib import Path

import pytest

from cop_filter import file_lock
from cop_filter.errors import StateError


def test_who_comes_second_waits_until_the_first_is_done(tmp_path: Path) -> None:
    done: list[str] = []

    def second() -> None:
        with file_lock.held(tmp_path / "lock"):
            done.append("second")

    waiting = threading.Thread(target=second)
    with file_lock.held(tmp_path / "lock"):
        waiting.start()
        done.append("first")
    waiting.join(20)
    assert done == ["first", "second"]


def test_who_does_not_let_go_is_named_and_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_lock, "_WAIT_S", 0.0)
    with file_lock.held(tmp_path / "lock"):
        second = file_lock.held(tmp_path / "lock")
        with pytest.raises(StateError, match="does not let go"):
            second.__enter__()


def test_readers_do_not_wait_for_each_other_nor_need_a_lock_file(tmp_path: Path) -> None:
    with file_lock.held(tmp_path / "lock", to_read=True):
        assert not list(tmp_path.iterdir())
    (tmp_path / "lock").touch()
    with file_lock.held(tmp_path / "lock", to_read=True), file_lock.held(tmp_path / "lock", to_read=True):
        pass
