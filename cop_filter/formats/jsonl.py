"""JSON lines: one object a line, its entry in a configured field, in the grammar of `entries`.

A member `kind` (domain, host, url, prefix, pattern, keyword) declares what the entry is; keywords
can be listed in this way only.
"""

import json
from collections.abc import Iterator

from cop_filter.entries import parse_as
from cop_filter.errors import InvalidEntry
from cop_filter.formats.chunk import Chunk, Field, chunk_of
from cop_filter.formats.text import line_chunks


def parse(body: bytes, field: str) -> Iterator[Chunk]:
    """Read the list as a stream of chunks. Raises BadFormat."""
    for first, lines in line_chunks(body):
        numbers = [number for number, line in enumerate(lines, first) if line.strip()]
        yield chunk_of(numbers, [_field(line, field) for line in lines if line.strip()])


def _record(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _field(line: str, field: str) -> Field:
    record = _record(line)
    if record is None:
        return InvalidEntry("it is no JSON object")
    text = record.get(field)
    if not isinstance(text, str):
        return InvalidEntry("it has no text in the configured field")
    kind = record.get("kind")
    if kind is None:
        return text.strip()
    try:
        return parse_as(str(kind), text.strip())
    except InvalidEntry as refusal:
        return refusal
