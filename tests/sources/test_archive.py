"""A tar archive of a UT1 folder: two files are read, nothing else is believed."""

import contextlib
import io
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.errors import FetchFailed
from cop_filter.sources.archive import is_tar, read_folder


def tar(*members: tuple[str, bytes] | tarfile.TarInfo, layout: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=layout) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize("layout", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_the_two_files_of_the_folder_are_read(layout: int) -> None:
    body = tar(
        special("adult", tarfile.DIRTYPE),
        ("adult/domains", b"one.example\n"),
        ("adult/usage", b"ignored"),
        ("adult/urls", b"two.example/page\n"),
        layout=layout,
    )
    assert is_tar(body)
    assert read_folder(body, 1000) == {"domains": b"one.example\n", "urls": b"two.example/page\n"}


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("a/usage", b"x")], "neither"),
        ([("a/domains", b"x"), ("b/domains", b"y")], "more than one"),
        ([("a/domains", b"x"), ("b/urls", b"y")], "more than one"),
        ([("a/domains", b"x"), ("a/domains", b"y")], "more than one"),
        ([("../a/domains", b"x")], "outside itself"),
        ([("/etc/domains", b"x")], "outside itself"),
        ([("a/domains", b"x"), ("b/../../c", b"y")], "outside itself"),
        ([special("a/domains", tarfile.SYMTYPE, "/etc/passwd")], "not a plain file"),
        ([special("a/urls", tarfile.LNKTYPE, "a/domains")], "not a plain file"),
        ([special("a/domains", tarfile.FIFOTYPE)], "not a plain file"),
        ([("a/domains", b"x" * 900), ("a/urls", b"y" * 900)], "max_unpacked_bytes"),
    ],
)
def test_any_other_archive_is_refused(members: list, reason: str) -> None:
    with pytest.raises(FetchFailed, match=reason):
        read_folder(tar(*members), 1000)


def test_a_sparse_file_cannot_pretend_to_be_huge() -> None:
    body = bytearray(tar(("a/domains", b"x" * 512)))
    body[156:157] = tarfile.GNUTYPE_SPARSE
    body[386:410] = b"00000000000\0" + b"00000001000\0"  # one map entry: 512 bytes at offset 0
    body[483:495] = b"77777777777\0"  # the size that it claims to have
    body[148:156] = b" " * 8
    body[148:156] = b"%06o\0 " % sum(body[:512])
    with pytest.raises(FetchFailed, match="not a plain file"):
        read_folder(bytes(body), 1000)


def test_every_cut_is_noticed() -> None:
    body = tar(("a/domains", b"one.example\n"), ("a/urls", b"two.example/page\n"))
    end = len(body.rstrip(b"\0"))
    for length in range(0, end + 512, 64):
        with pytest.raises(FetchFailed):
            read_folder(body[:length], 10_000)


@given(seed=st.integers(0, 2**32), flips=st.integers(1, 20))
def test_damage_raises_nothing_else(seed: int, flips: int) -> None:
    rng = random.Random(seed)
    body = bytearray(tar(("a/domains", b"one.example\n"), ("a/urls", b"y\n"), layout=tarfile.PAX_FORMAT))
    for _ in range(flips):
        body[rng.randrange(1600)] = rng.randrange(256)
    with contextlib.suppress(FetchFailed):
        read_folder(bytes(body), 10_000)
