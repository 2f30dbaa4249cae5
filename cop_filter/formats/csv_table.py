"""CSV (RFC 4180): the entries stand in one column, in the grammar of `entries`.

The column is given by the name in the header row, or by its number from 1 where there is no header.
Columns part at `,`, `;` or a tab. Comment lines may stand above the first row, where no row can be
mistaken for one. Where the header has a column `canary`, a row with `true`, `yes` or `1` in it is harmless,
there to be probed.
"""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from cop_filter.errors import BadFormat, InvalidEntry
from cop_filter.formats.chunk import Chunk, Field, chunk_of
from cop_filter.formats.text import lines

_CHUNK_ROWS = 8192
_DELIMITERS = ",;\t"
_CANARY = "canary"
_YES = frozenset({"true", "yes", "1"})


class Layout(NamedTuple):
    """Where the entries stand: columns count from 0, `width` is their number.

    `canary` is the column that tells which entries are harmless; None: no row says so.
    """

    delimiter: str
    column: int
    width: int
    has_header: bool
    canary: int | None = None


def layout(first_row: str, column: str) -> Layout | None:
    """How to read a table by its first row; None when it has no such column."""
    rows = [(delimiter, _cells(first_row, delimiter)) for delimiter in _DELIMITERS]
    if column.isdecimal():
        place = int(column) - 1
        delimiter, cells = max(rows, key=lambda row: len(row[1]))
        return Layout(delimiter, place, len(cells), False) if 0 <= place < len(cells) else None
    wanted = column.strip().casefold()
    for delimiter, cells in rows:
        names = [cell.strip().casefold() for cell in cells]
        if names.count(wanted) == 1:
            canary = names.index(_CANARY) if names.count(_CANARY) == 1 and wanted != _CANARY else None
            return Layout(delimiter, names.index(wanted), len(cells), True, canary)
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def parse(body: bytes, column: str) -> Iterator[Chunk]:
    """Read the list as a stream of chunks. Raises BadFormat."""
    stream = (line + "\n" for line in lines(body))  # a quoted line end must not vanish
    number, first_row = _first_row(stream)
    table = layout(first_row, column)
    if table is None:
        raise BadFormat("the table's first row has no such single column: set `csv_column`")
    numbers: list[int] = []
    fields: list[Field] = []
    canaries: list[int] = []
    rows = _rows(stream, number, table)
    if not table.has_header:
        rows = chain([(number, number, _cells(first_row, table.delimiter))], rows)
    for start, end, row in rows:
        field = row if isinstance(row, InvalidEntry) else _field(row, table)
        # An open quote swallows many lines: each of them counts as bad.
        covered = range(start, end + 1 if isinstance(field, InvalidEntry) else start + 1)
        if table.canary is not None and not isinstance(row, InvalidEntry) and _is_canary(row, table.canary):
            canaries.append(len(fields))
        numbers.extend(covered)
        fields.extend([field] * len(covered))
        if len(fields) >= _CHUNK_ROWS:
            yield chunk_of(numbers, fields, canaries=canaries)
            numbers, fields, canaries = [], [], []
    yield chunk_of(numbers, fields, canaries=canaries)


def _first_row(stream: Iterator[str]) -> tuple[int, str]:
    for number, line in enumerate(stream, 1):
        if line.strip() and not line.startswith("#"):
            return number, line
    return 0, ""


def _rows(
    stream: Iterator[str], number: int, table: Layout
) -> Iterator[tuple[int, int, list[str] | InvalidEntry]]:
    """Each row with the numbers of its first and last line; `number` is that of the line before."""
    reader = csv.reader(stream, delimiter=table.delimiter, strict=True)
    while True:
        start = number + reader.line_num + 1
        row: list[str] | InvalidEntry
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = InvalidEntry("its quotes are not those of CSV")
        if row:
            yield start, number + reader.line_num, row


def _field(row: list[str], table: Layout) -> Field:
    if len(row) > table.width:
        return InvalidEntry("it has more columns than the first row")
    if len(row) <= table.column:
        return InvalidEntry("it ends before the configured column")
    text = row[table.column]
    return InvalidEntry("its entry goes over the end of the line") if "\n" in text else text.strip()


def _is_canary(row: list[str], column: int) -> bool:
    return len(row) > column and row[column].strip().casefold() in _YES
