"""file: sources: a file or a folder on this machine."""

import gzip
import os
from pathlib import Path

import pytest
from fetching import Fetch

from cop_filter.errors import FetchFailed
from cop_filter.sources import Fetched, NotModified, TryAgain, file

LIST = b"one.example\n"


async def test_a_file_is_read_once_and_again_when_it_changes(get: Fetch, tmp_path: Path) -> None:
    path = tmp_path / "a list%20.txt"
    path.write_bytes(LIST)
    first = await get(path)
    assert isinstance(first, Fetched)
    assert first.raw == {"": LIST}
    assert await get(path, first.validators) == NotModified()
    path.write_bytes(LIST * 2)
    assert isinstance(await get(path, first.validators), Fetched)


async def test_a_replaced_file_of_the_same_size_and_time_is_noticed(get: Fetch, tmp_path: Path) -> None:
    path, other = tmp_path / "list.txt", tmp_path / "other.txt"
    path.write_bytes(b"one.example\n")
    other.write_bytes(b"two.example\n")
    for one in (path, other):
        os.utime(one, ns=(5, 5))
    first = await get(path)
    assert isinstance(first, Fetched)
    other.replace(path)
    assert isinstance(await get(path, first.validators), Fetched)


async def test_a_packed_file_is_unpacked(get: Fetch, tmp_path: Path) -> None:
    path = tmp_path / "list.txt.gz"
    path.write_bytes(gzip.compress(LIST))
    answer = await get(path)
    assert isinstance(answer, Fetched)
    assert answer.raw == {"": LIST}


async def test_a_folder_gives_its_two_files(get: Fetch, tmp_path: Path) -> None:
    (tmp_path / "domains").write_bytes(LIST)
    (tmp_path / "usage").write_bytes(b"ignored")
    first = await get(tmp_path)
    assert isinstance(first, Fetched)
    assert first.raw == {"domains": LIST}
    assert await get(tmp_path, first.validators) == NotModified()
    (tmp_path / "urls").write_bytes(b"one.example/page\n")
    second = await get(tmp_path, first.validators)
    assert isinstance(second, Fetched)
    assert set(second.raw) == {"domains", "urls"}


async def test_what_cannot_be_read_is_refused_without_its_path(get: Fetch, tmp_path: Path) -> None:
    fifo, empty, large = tmp_path / "fifo", tmp_path / "folder", tmp_path / "large"
    os.mkfifo(fifo)
    empty.mkdir()
    large.write_bytes(bytes(2000))
    for source, reason in (
        (tmp_path / "missing", "No such file"),
        (fifo, "not a plain file"),
        (empty, "neither domains nor urls"),
        (large, "larger than max_bytes"),
        (Path("/dev/zero"), "not a plain file"),
        ("file:///with%00zero", "no possible file"),
        ("file://elsewhere.example/list", "no local file"),
        ("file:", "no local file"),
    ):
        with pytest.raises(FetchFailed, match=reason) as caught:
            await get(source, max_bytes=1000)
        assert str(tmp_path) not in str(caught.value)


async def test_other_schemes_are_refused(get: Fetch) -> None:
    with pytest.raises(FetchFailed, match="none of https, http, file"):
        await get("ftp://lists.example/")


async def test_a_file_that_changes_under_the_reader_is_read_later(
    get: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(LIST)
    really_open = os.open

    def open_late(name: Path, flags: int) -> int:
        path.write_bytes(LIST * 3)
        return really_open(name, flags)

    monkeypatch.setattr(file.os, "open", open_late)
    with pytest.raises(TryAgain, match="changed"):
        await get(path)
