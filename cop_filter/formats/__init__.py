"""Bytes of a list -> entries, as a stream; one file per format, no I/O.

The formats only take the field out of a line; what it says is read in `cop_filter.entries`.
"""

from collections.abc import Iterator
from functools import partial

from cop_filter.errors import BadFormat
from cop_filter.formats import csv_table, hosts, jsonl, plain, rpz, ut1
from cop_filter.formats.chunk import Chunk, LineError, RawList
from cop_filter.formats.detect import Parser, detect
from cop_filter.formats.text import encoding_of

__all__ = ["FORMATS", "Chunk", "LineError", "RawList", "parse"]

FORMATS = ("plain", "hosts", "csv", "jsonl", "rpz", "ut1")


def parse(
    raw: RawList,
    *,
    format: str,  # noqa: A002 - the word of the configuration
    csv_column: str = "url",
    json_field: str = "url",
    addresses: bool = False,
) -> Iterator[Chunk]:
    """Read a fetched list as a stream of chunks of about 8192 lines, at least one.

    With `addresses` the list may hold addresses and small networks: each address is an exact host.

    `format` is one of FORMATS, or `auto` for the one that fits. Bad lines are reported in the chunks;
    how many are too many is the caller's to say. Raises BadFormat, at once or while iterating, when
    the bytes are no list of this format.
    """
    for body in raw.values():
        encoding_of(body)
    parsers: dict[str, Parser] = {
        "plain": plain.parse,
        "hosts": hosts.parse,
        "csv": partial(csv_table.parse, column=csv_column),
        "jsonl": partial(jsonl.parse, field=json_field),
        "rpz": rpz.parse,
    }
    if format == "auto":
        format = detect(raw, parsers)  # noqa: A001 - as above
    if format == "ut1":
        return _at_least_one(ut1.parse(raw), addresses=addresses)
    if format not in parsers:
        raise BadFormat(f"no such format; there are {', '.join(FORMATS)} and auto")
    if "" not in raw:
        raise BadFormat(f"the list is a folder, and {format} is a single file: set `format` to ut1")
    return _at_least_one(parsers[format](raw[""]), addresses=addresses)


def _at_least_one(chunks: Iterator[Chunk], *, addresses: bool) -> Iterator[Chunk]:
    """A list without a line must be seen as empty, and not be overlooked."""
    if addresses:
        chunks = map(Chunk.with_addresses, chunks)
    yield next(chunks, Chunk([], [], 0))
    yield from chunks
