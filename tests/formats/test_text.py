"""Bytes to lines."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lists import read_file, texts_of

from cop_filter.errors import BadFormat
from cop_filter.formats.text import line_chunks, lines

LIST = "# größe\r\nbücher.example\r\nhttp://h.example/ü\r\n"
READ = ["domain xn--bcher-kva.example", "url h.example/%C3%BC"]


@pytest.mark.parametrize(
    "body",
    [
        LIST.encode(),
        codecs.BOM_UTF8 + LIST.encode(),
        codecs.BOM_UTF16_LE + LIST.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + LIST.encode("utf-16-be"),
        LIST.encode("latin-1"),
        LIST.replace("\r\n", "\n").encode(),
        LIST.replace("\r\n", "\r").encode(),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16-le", "utf-16-be", "latin-1", "lf", "cr"],
)
def test_encodings_marks_and_line_ends_make_no_difference(body: bytes) -> None:
    entries, errors = read_file(body, format="plain")
    assert texts_of(entries) == READ
    assert errors == []


def test_an_old_line_does_not_garble_the_others() -> None:
    body = "bücher.example\n".encode() + "öl.example\n".encode("latin-1")
    assert list(lines(body)) == ["bücher.example", "öl.example"]


@pytest.mark.parametrize(
    "body", ["<!DOCTYPE html>", "\ufeff\n <html>", "<?xml version='1.0'?>", "\r\n\t<head>"]
)
@pytest.mark.parametrize("name", ["plain", "hosts", "csv", "jsonl", "rpz", "auto"])
def test_html_is_refused_in_every_format_before_a_line_is_read(body: str, name: str) -> None:
    with pytest.raises(BadFormat, match="HTML"):
        read_file(body + "\nbad.example\n", format=name)


@pytest.mark.parametrize("body", [b"PK\x03\x04\x00\x00", "bad.example".encode("utf-16-le"), bytes(100)])
def test_binary_data_is_refused(body: bytes) -> None:
    with pytest.raises(BadFormat, match="binary"):
        read_file(body, format="plain")


@pytest.mark.parametrize("name", ["plain", "csv", "rpz", "auto"])
def test_broken_utf16_is_refused_without_its_bytes(name: str) -> None:
    body = codecs.BOM_UTF16_LE + "url\nbad.example\n".encode("utf-16-le") + b"\x00\xd8a"
    with pytest.raises(BadFormat, match="UTF-16") as refusal:
        read_file(body, format=name)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


@given(st.text(alphabet="ab\n\r\x0b\x85\u2028ü"), st.integers(1, 9))
def test_lines_and_their_numbers_do_not_depend_on_the_chunks(text: str, chunk_chars: int) -> None:
    body = text.encode()
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    expected = normal.removesuffix("\n").split("\n") if normal else []
    assert list(lines(body)) == expected
    chunks = list(line_chunks(body, chunk_chars))
    assert [line for _, chunk in chunks for line in chunk] == expected
    read = 0
    for first, chunk in chunks:
        assert first == read + 1
        read += len(chunk)
