"""JSON lines: one object a line, its entry in a configured field, in the grammar of `entries`.

A member `kind` (domain, host, url, prefix, pattern, keyword) declares what the entry is; keywords
can be listed in this way only. A member `"canary": true` says that it is harmless, there to be probed.
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
        records = [_record(line) for line in lines if line.strip()]
        canaries = [place for place, record in enumerate(records) if record and record.get("canary") is True]
        yield chunk_of(numbers, [_field(record, field) for record in records], canaries=canaries)


def _record(line: str) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _field(record: dict[str, object] | None, field: str) -> Field:
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
