"""Reads what a person wants added or removed: all of it, or nothing and the reason by the line. Pure."""

from collections.abc import Iterable

from cop_filter.entries import Entry, parse_many
from cop_filter.entry_text import text_of
from cop_filter.errors import BadFormat, InvalidEntry
from cop_filter.formats.plain import numbered_texts
from cop_filter.formats.text import line_chunks

_SHOWN = 10


def canonical_texts(body: bytes) -> dict[str, int]:
    """The entries of plain lines as canonical texts, each with the first line that holds it.

    Comments are left out as in every plain list. Raises BadFormat, which names lines and never repeats one.
    """
    texts: dict[str, int] = {}
    wrong: list[tuple[int, str]] = []
    for first, lines in line_chunks(body):
        numbers, read = numbered_texts(first, lines)
        for number, entry in zip(numbers, parse_many(read), strict=True):
            try:
                texts.setdefault(_text(entry), number)
            except InvalidEntry as refusal:
                wrong.append((number, str(refusal)))
    if wrong:
        raise BadFormat(
            f"{counted(len(wrong), 'line is', 'lines are')} no entry, so nothing was changed: {shown(wrong)}"
        )
    if not texts:
        raise BadFormat("there is no entry in it, so nothing was changed: write one a line")
    return texts


def _text(entry: Entry | InvalidEntry) -> str:
    if isinstance(entry, InvalidEntry):
        raise entry
    return text_of(entry)


def refuse_missing(texts: dict[str, int], held: frozenset[str]) -> None:
    """Raise BadFormat when one of the texts is not held."""
    missing = [(number, "it is not in the list") for text, number in texts.items() if text not in held]
    if missing:
        raise BadFormat(
            f"{counted(len(missing), 'entry is', 'entries are')} not in the list, so nothing was removed: "
            f"{shown(missing)}"
        )


def shown(wrong: Iterable[tuple[int, str]]) -> str:
    """The first ten, by the line."""
    sentences = [f"line {number}: {reason}" for number, reason in wrong]
    more = len(sentences) - _SHOWN
    return "; ".join(sentences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def counted(count: int, one: str, many: str) -> str:
    """A number with the word that fits."""
    return f"{count} {one if count == 1 else many}"
