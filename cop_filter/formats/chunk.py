"""What every format yields: a run of lines read into entries and errors."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cop_filter.entries import Entry, parse_many
from cop_filter.errors import InvalidEntry

RawList = Mapping[str, bytes]
"""A fetched list: `{"": body}` for one file, `{"domains": ..., "urls": ...}` for a UT1 folder."""


class LineError(NamedTuple):
    """A bad line: its number (from 1), the reason, and its file in a folder. Never its text."""

    line: int
    reason: str
    member: str = ""


class Chunk(NamedTuple):
    """A part of a list. `lines` counts those that hold an entry or an error, not comments.

    `canaries` are those of the entries that the list itself calls harmless, there to be probed.
    """

    entries: list[Entry]
    errors: list[LineError]
    lines: int
    canaries: tuple[Entry, ...] = ()


Field = str | Entry | InvalidEntry
"""What a format takes from a line: a text in the grammar of `entries`, or what it read by itself."""


def chunk_of(
    numbers: Sequence[int], fields: Sequence[Field], member: str = "", *, canaries: Sequence[int] = ()
) -> Chunk:
    """Read the fields; `numbers` holds the line of each. A line with several errors counts once.

    `canaries` are the places of those fields that the list marks as harmless.
    """
    texts = [field for field in fields if isinstance(field, str)]
    results: list[Entry | InvalidEntry] = parse_many(texts)
    if len(texts) < len(fields):
        read = iter(results)
        results = [next(read) if isinstance(field, str) else field for field in fields]
    entries = [result for result in results if isinstance(result, Entry)]
    reasons: dict[int, str] = {}
    if len(entries) < len(results):
        for number, result in zip(numbers, results, strict=True):
            if isinstance(result, InvalidEntry):
                reasons.setdefault(number, str(result))
    errors = [LineError(number, reason, member) for number, reason in reasons.items()]
    lines = len(numbers) if isinstance(numbers, range) else len(set(numbers))
    marked = tuple(entry for place in canaries if isinstance(entry := results[place], Entry))
    return Chunk(entries, errors, lines, marked)
