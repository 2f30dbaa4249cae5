"""What every format yields: a run of lines read into entries and errors."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from cop_filter.entries import ADDRESS, Entry, parse_address, parse_many
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
    `addresses` are the line and the text of those errors that are addresses or networks: few lists may
    hold them.
    """

    entries: list[Entry]
    errors: list[LineError]
    lines: int
    canaries: tuple[Entry, ...] = ()
    addresses: tuple[tuple[int, str], ...] = ()

    def with_addresses(self) -> "Chunk":
        """The chunk as it is for a list that may hold addresses, and networks of a few."""
        if not self.addresses:
            return self
        read: dict[int, list[Entry]] = {}
        refused: dict[int, LineError] = {}
        for line, text in self.addresses:
            try:
                read.setdefault(line, []).extend(parse_address(text))
            except InvalidEntry as reason:
                refused[line] = LineError(line, str(reason), self.errors[0].member)
        errors = [
            refused.get(error.line, error)
            for error in self.errors
            if error.line in refused or error.line not in read or error.reason != ADDRESS
        ]
        more = [entry for entries in read.values() for entry in entries]
        return self._replace(entries=self.entries + more, errors=errors, addresses=())


Field = str | Entry | InvalidEntry
"""What a format takes from a line: a text in the grammar of `entries`, or what it read by itself."""


def chunk_of(
    numbers: Sequence[int], fields: Sequence[Field], member: str = "", *, canaries: Sequence[int] = ()
) -> Chunk:
    """Read the fields; `numbers` holds the line of each. A line with several errors counts once.

    `canaries` are the places of those fields that the list marks as harmless.
    """
    texts = [field for field in fields if isinstance(field, str)] if _holds_other(fields, str) else fields
    results: list[Entry | InvalidEntry] = parse_many(cast("Sequence[str]", texts))
    if len(texts) < len(fields):
        read = iter(results)
        results = [next(read) if isinstance(field, str) else field for field in fields]
    entries = cast("list[Entry]", results)
    if _holds_other(results, Entry):
        entries = [result for result in results if isinstance(result, Entry)]
    reasons: dict[int, str] = {}
    addresses: list[tuple[int, str]] = []
    if len(entries) < len(results):
        for number, field, result in zip(numbers, fields, results, strict=True):
            if isinstance(result, InvalidEntry):
                reasons.setdefault(number, str(result))
                if isinstance(field, str) and str(result) == ADDRESS:
                    addresses.append((number, field))
    errors = [LineError(number, reason, member) for number, reason in reasons.items()]
    lines = len(numbers) if isinstance(numbers, range) else len(set(numbers))
    marked = tuple(entry for place in canaries if isinstance(entry := results[place], Entry))
    return Chunk(entries, errors, lines, marked, tuple(addresses))


def _holds_other(items: Sequence[object], kind: type) -> bool:
    """Whether something is of another type. In most chunks nothing is, which is quick to know."""
    return not {kind}.issuperset(map(type, items))
