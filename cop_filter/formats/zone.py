"""DNS master files (RFC 1035 section 5): lines -> records, as a stream.

What a response policy zone needs and no more: owner, type and data as words. Escapes stay as they
are written. `$INCLUDE` and `$GENERATE` stand for records that are not in the file: problems.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cop_filter.errors import BadFormat

UNNAMED = "@."
"""The origin of a file that does not name it. No file can write this name: `@` stands alone."""

# An SOA takes about seven lines; a longer record is a parenthesis that was never closed.
_MAX_RECORD_LINES = 64

_WORD = re.compile(r'\s+|;.*|("(?:[^"\\\n]|\\.)*"|[()]|(?:[^\s;()"\\]|\\.)+)', re.DOTALL)
_SPECIAL = re.compile(r'[;()"\\]')
_TTL = re.compile(r"(?:\d+[smhdw]?)+", re.IGNORECASE)
_CLASSES = frozenset(("IN", "CH", "HS", "CS"))


class Record(NamedTuple):
    """A resource record. `owner` is absolute and in lower case; `origin` completes names in `data`."""

    line: int
    owner: str
    type: str
    data: list[str]
    origin: str


class Problem(NamedTuple):
    """Lines that are no record."""

    line: int
    reason: str


def records(lines: Iterable[str]) -> Iterator[Record | Problem]:
    """The records of a master file. Raises BadFormat when a parenthesis is never closed."""
    origin, owner = UNNAMED, ""
    for number, words, continues_owner in _entries(lines):
        if words is None:
            yield Problem(number, "its quotes or parentheses do not match")
            continue
        if not continues_owner:
            head = words.pop(0)
            if head.startswith("$"):
                if head.upper() == "$ORIGIN" and len(words) == 1:
                    origin = absolute(words[0], origin)
                elif head.upper() != "$TTL":
                    yield Problem(number, "it is a directive other than $ORIGIN and $TTL")
                continue
            owner = absolute(head, origin)
        # RFC 1035: TTL and class, both optional, in either order.
        for _ in range(2):
            if words and (words[0].upper() in _CLASSES or _TTL.fullmatch(words[0])):
                words.pop(0)
        if not owner or len(words) < 2:
            yield Problem(number, "it has no owner, type and data")
        else:
            yield Record(number, owner, words[0].upper(), words[1:], origin)


def absolute(name: str, origin: str) -> str:
    """A name as written in a file -> the whole name, in lower case, with a dot at its end."""
    if name == "@":
        return origin
    if not name.endswith("."):
        name = f"{name}.{origin}" if origin != "." else f"{name}."
    return name.lower()


def _entries(lines: Iterable[str]) -> Iterator[tuple[int, list[str] | None, bool]]:
    """Words of each entry, with its first line's number; None for what cannot be told apart."""
    start, depth, continues_owner = 0, 0, False
    collected: list[str] = []
    for number, line in enumerate(lines, 1):
        if depth == 0:
            start, collected, continues_owner = number, [], line[:1].isspace()
        elif number - start >= _MAX_RECORD_LINES:
            break
        read = _words(line, depth)
        if read is None:
            depth = 0
            yield start, None, False
            continue
        words, depth = read
        collected += words
        if depth == 0 and collected:
            yield start, collected, continues_owner
    if depth:
        raise BadFormat("the zone file has a parenthesis that is never closed")


def _words(line: str, depth: int) -> tuple[list[str], int] | None:
    """The words of a line without comments and parentheses, and how many of these stay open."""
    if not _SPECIAL.search(line):
        return line.split(), depth
    words: list[str] = []
    place = 0
    while place < len(line) and depth >= 0:
        match = _WORD.match(line, place)
        if match is None:
            return None
        if match[1] in ("(", ")"):
            depth += 1 if match[1] == "(" else -1
        elif match[1]:
            words.append(match[1])
        place = match.end()
    return (words, depth) if depth >= 0 else None
