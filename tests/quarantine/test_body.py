"""A quarantined list is sealed: it opens as what it was, or not at all."""

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop_filter.errors import StateError
from cop_filter.quarantine import body
from cop_filter.quarantine.body import Body

KEY = bytes(range(32))
ID = "20270115-00000001"
PLANTED = b"planted.example\nhttp://planted.example/page\n"


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=80), max_size=4), st.binary(max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_sealed_is_opened_again(tmp_path: Path, raw: dict[str, bytes], removed: bytes) -> None:
    (tmp_path / "body").unlink(missing_ok=True)
    body.write(tmp_path / "body", Body(raw, removed), ID, KEY)
    assert body.read(tmp_path / "body", ID, KEY) == Body(raw, removed)


@pytest.mark.parametrize("size", [body.PIECE_BYTES - 1, body.PIECE_BYTES, 2 * body.PIECE_BYTES + 1])
def test_a_large_list_lies_in_several_pieces(tmp_path: Path, size: int) -> None:
    raw = {"domains": bytes(range(256)) * (size // 256) + bytes(size % 256), "urls": PLANTED}
    body.write(tmp_path / "body", Body(raw), ID, KEY)
    assert body.read(tmp_path / "body", ID, KEY) == Body(raw)


def test_no_text_is_seen_and_nobody_else_may_look(tmp_path: Path) -> None:
    body.write(tmp_path / "body", Body({"planted": PLANTED}, PLANTED), ID, KEY)
    assert b"planted" not in (tmp_path / "body").read_bytes()
    assert (tmp_path / "body").stat().st_mode & 0o777 == 0o600


def pieces(raw: bytes) -> list[bytes]:
    found = []
    while raw:
        length = 4 + int.from_bytes(raw[:4], "big")
        found.append(raw[:length])
        raw = raw[length:]
    return found


def test_pieces_that_were_cut_moved_doubled_or_exchanged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "body"
    body.write(path, Body({"": bytes(3 * body.PIECE_BYTES)}), ID, KEY)
    good = pieces(path.read_bytes())
    body.write(tmp_path / "other", Body({"": bytes(3 * body.PIECE_BYTES)}), "20270115-00000002", KEY)
    other = pieces((tmp_path / "other").read_bytes())
    for bad in (
        [],
        good[:-1],
        good[1:],
        [*good, good[-1]],
        [good[0], good[2], good[1], good[3]],
        [*good[:2], other[2], good[3]],
        other,
        [*good[:-1], good[-1][:-1]],
    ):
        path.write_bytes(b"".join(bad))
        with pytest.raises(StateError):
            body.read(path, ID, KEY)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    body.write(tmp_path / "body", Body({"": PLANTED}), ID, KEY)
    with pytest.raises(StateError, match="another key"):
        body.read(tmp_path / "body", ID, bytes(32))


def test_64_mebibytes_are_never_held_more_than_about_twice(tmp_path: Path) -> None:
    raw = {"": bytes(64 << 20)}
    tracemalloc.start()
    try:
        body.write(tmp_path / "body", Body(raw), ID, KEY)
        _, sealing = tracemalloc.get_traced_memory()
        raw.clear()
        tracemalloc.reset_peak()
        assert len(body.read(tmp_path / "body", ID, KEY).raw[""]) == 64 << 20
        _, opening = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sealing < 8 << 20  # beside the list itself
    assert opening < 2.3 * (64 << 20)
