"""The sample lists of `lists/samples/` as a source would hand them over, by format."""

from pathlib import Path

from cop_filter import formats
from cop_filter.entries import Entry

_FOLDER = Path(__file__).parents[1] / "lists" / "samples"
_FILES = {
    "plain": {"": "plain.txt"},
    "hosts": {"": "hosts.txt"},
    "csv": {"": "list.csv"},
    "jsonl": {"": "list.jsonl"},
    "rpz": {"": "rpz.zone"},
    "ut1": {"domains": "ut1/domains", "urls": "ut1/urls"},
}


def raw_sample(name: str) -> dict[str, bytes]:
    return {member: (_FOLDER / path).read_bytes() for member, path in _FILES[name].items()}


def read(raw: dict[str, bytes], **how: str) -> tuple[list[Entry], list[formats.LineError]]:
    """All entries and all errors of a list."""
    chunks = list(formats.parse(raw, **how))
    return (
        [entry for chunk in chunks for entry in chunk.entries],
        [error for chunk in chunks for error in chunk.errors],
    )


def read_file(text: str | bytes, **how: str) -> tuple[list[Entry], list[formats.LineError]]:
    """`read` for a list that is one file."""
    return read({"": text.encode() if isinstance(text, str) else text}, **how)


def texts_of(entries: list[Entry]) -> list[str]:
    """Kind and key of each entry, which is what most tests look at."""
    return [f"{entry.kind} {'*.' * entry.only_below}{entry.key}{'?*' * entry.any_query}" for entry in entries]
