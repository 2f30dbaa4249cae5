"""Bytes of a list -> lines of text, as a stream: the body is never copied whole."""

import codecs
import re
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper

from cop_filter.errors import BadFormat

CHUNK_CHARS = 1 << 18  # about 8192 lines

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_HEAD_BYTES = 4096


def _as_latin1(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: bytes that are no UTF-8 read as Latin-1 (ISO 8859-1), one by one.

    By the byte and not by the file, so that one old line does not garble the others.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


_LATIN1 = "cop_filter.latin1"
codecs.register_error(_LATIN1, _as_latin1)


def encoding_of(body: bytes) -> tuple[str, int]:
    """The encoding, and the length of the byte order mark: UTF-8 (with Latin-1), or UTF-16 with a mark.

    Raises BadFormat for what is no list in any format: HTML or XML, and binary data.
    """
    bom, encoding = next(((bom, name) for bom, name in _BOMS if body.startswith(bom)), (b"", "utf-8"))
    head = body[len(bom) : len(bom) + _HEAD_BYTES].decode(encoding, "replace")
    if "\0" in head:
        raise BadFormat("the list is binary data (text in UTF-16 needs a byte order mark)")
    if re.match(r"\s*<", head):
        raise BadFormat("the list is an HTML or XML page, perhaps an error or a login page of its server")
    return encoding, len(bom)


def _open(body: bytes) -> TextIOWrapper:
    encoding, start = encoding_of(body)
    stream = BytesIO(body)  # shares the bytes
    stream.seek(start)
    return TextIOWrapper(stream, encoding=encoding, errors=_LATIN1 if encoding == "utf-8" else "strict")


def lines(body: bytes) -> Iterator[str]:
    """The lines one by one, without line ends. Raises BadFormat."""
    for _first, chunk in line_chunks(body):
        yield from chunk


def line_chunks(body: bytes, chunk_chars: int = CHUNK_CHARS) -> Iterator[tuple[int, list[str]]]:
    """The lines without line ends, by the chunk, with the number of its first line (from 1).

    Chunks end with whole lines. Raises BadFormat.
    """
    stream = _open(body)
    first = 1
    try:
        # Cutting a block up is quicker than reading by the line, and bounds long lines too.
        while block := stream.read(chunk_chars):
            chunk = (block + stream.readline()).removesuffix("\n").split("\n")
            yield first, chunk
            first += len(chunk)
    except UnicodeDecodeError:
        # Not chained: the codec's error carries the body.
        raise BadFormat("the list begins like UTF-16 and is not UTF-16") from None
