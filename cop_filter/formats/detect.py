"""Which format a list has, when the operator did not say. Never a guess between two."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple, Self

from cop_filter.errors import BadFormat
from cop_filter.formats import ut1
from cop_filter.formats.chunk import Chunk, RawList
from cop_filter.formats.text import lines

_SAMPLE_LINES = 200
_MAX_LINES_READ = 20_000
_MAX_BAD_SHARE = 0.1

Parser = Callable[[bytes], Iterator[Chunk]]


def detect(raw: RawList, parsers: Mapping[str, Parser]) -> str:
    """The name of the one format that fits; `parsers` are those of single files.

    A format fits when it reads the first line that is no comment, and nine in ten of a sample. (The
    first line tells a table with a header from plain lines.) Raises BadFormat when no format fits,
    and when several do: the message names them, and only the operator can tell.
    """
    if "" not in raw:
        if any(member in raw for member in ut1.MEMBERS):
            return "ut1"
        raise BadFormat("the folder has no file `domains` or `urls`")
    sample = _Sample.of(raw[""])
    if not sample.texts:
        raise BadFormat("the list holds no line to tell its format by: set `format`")
    candidates = [name for name, parse in parsers.items() if _fits(parse, sample)]
    if candidates == ["plain"] and _looks_like_a_table(sample.texts):
        # `http://h.example/p,note` is a URL and a row. If it was meant as a row, the URL is wrong.
        candidates.append("csv")
    if not candidates:
        raise BadFormat("the list fits no format: look at what its server sends, and set `format`")
    if len(candidates) > 1:
        raise BadFormat(f"the list may be {' or '.join(candidates)}: set `format`")
    return candidates[0]


class _Sample(NamedTuple):
    """The first lines as they are; those that are no comment in any format; where these begin."""

    body: bytes
    texts: list[str]
    first_line: int

    @classmethod
    def of(cls, body: bytes) -> Self:
        taken: list[str] = []
        texts: list[str] = []
        first_line = 0
        for line in islice(lines(body), _MAX_LINES_READ):
            taken.append(line)
            if line.strip() and line.lstrip()[0] not in "#;!":
                texts.append(line)
                first_line = first_line or len(taken)
            if len(texts) == _SAMPLE_LINES:
                break
        return cls("\n".join(taken).encode(), texts, first_line)


def _fits(parse: Parser, sample: _Sample) -> bool:
    entries, lines_read = 0, 0
    bad_lines: list[int] = []
    try:
        for chunk in parse(sample.body):
            entries += len(chunk.entries)
            lines_read += chunk.lines
            bad_lines += [error.line for error in chunk.errors]
    except BadFormat:
        return False
    return (
        entries > 0 and len(bad_lines) <= lines_read * _MAX_BAD_SHARE and sample.first_line not in bad_lines
    )


def _looks_like_a_table(texts: list[str]) -> bool:
    """True when all lines have as many commas, or as many semicolons, and at least one."""
    return any(len({text.count(mark) for text in texts}) == 1 and mark in texts[0] for mark in ",;")
