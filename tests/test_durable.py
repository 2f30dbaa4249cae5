"""Files that outlive a crash: private, and never seen half written."""

import os
from pathlib import Path

import pytest

from cop_filter import durable


def test_a_file_is_for_its_owner_alone_whatever_stood_there_and_whatever_the_umask(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"older and longer")
    (tmp_path / "file").chmod(0o666)
    before = os.umask(0)
    try:
        durable.write(tmp_path / "file", b"new")
        durable.make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_what_cannot_be_replaced_stays_whole(tmp_path: Path) -> None:
    durable.replace(tmp_path / "file", b"old")
    (tmp_path / "file.new").mkdir()
    with pytest.raises(OSError, match=r"file\.new"):
        durable.replace(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_leftover_of_a_crash_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file.new").write_bytes(b"torn")
    durable.replace(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"
