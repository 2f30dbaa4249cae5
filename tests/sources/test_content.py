"""What counts as the content of a list."""

import gzip
import io
import tarfile

import pytest
import zstandard

from cop_filter.errors import FetchFailed
from cop_filter.sources.content import open_body
from cop_filter.sources.result import Body, Validators


def body(content: bytes, **more: object) -> Body:
    return Body({"": content}, Validators(), **more)  # type: ignore[arg-type]  # passed through


def folder_tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("adult/domains")
        info.size = 12
        archive.addfile(info, io.BytesIO(b"one.example\n"))
    return out.getvalue()


def test_an_archive_packed_as_file_and_in_transport_is_a_folder() -> None:
    packed = zstandard.compress(gzip.compress(folder_tar()))
    assert open_body(body(packed, coding="zstd"), 100_000).raw == {"domains": b"one.example\n"}


def test_a_folder_has_one_digest_however_it_comes() -> None:
    from_archive = open_body(body(folder_tar()), 100_000)
    from_disk = open_body(Body({"domains": b"one.example\n"}, Validators()), 100_000)
    as_file = open_body(body(b"one.example\n"), 100_000)
    assert from_archive.digest == from_disk.digest != as_file.digest


def test_packing_upon_packing_is_refused() -> None:
    with pytest.raises(FetchFailed, match="packed twice"):
        open_body(body(gzip.compress(gzip.compress(b"one.example\n"))), 100_000)


def test_one_empty_member_beside_a_full_one_is_fine() -> None:
    raw = {"domains": b"", "urls": b"one.example/page\n"}
    assert open_body(Body(raw, Validators()), 100_000).raw == raw


def test_two_empty_members_are_an_empty_list() -> None:
    with pytest.raises(FetchFailed, match="empty"):
        open_body(Body({"domains": b"", "urls": b"\n"}, Validators()), 100_000)


def test_a_web_page_as_a_member_is_refused() -> None:
    with pytest.raises(FetchFailed, match="web page"):
        open_body(Body({"domains": b"one.example\n", "urls": b"\n<html>"}, Validators()), 100_000)


def test_a_web_page_behind_much_blank_space_is_refused() -> None:
    with pytest.raises(FetchFailed, match="web page"):
        open_body(body(b"\n" * 10_000 + b"<html>"), 100_000)


def test_the_limit_holds_for_all_members_together() -> None:
    with pytest.raises(FetchFailed, match="max_unpacked_bytes"):
        open_body(Body({"domains": b"a.example\n" * 60, "urls": b"a.example/b\n" * 60}, Validators()), 1000)
