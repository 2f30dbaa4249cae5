"""Reads the fields of a signed document strictly: two readers of one document must not read two things."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from cop_filter.errors import ProvenanceFailed

MAX_INTEGER = 2**53 - 1
"""Up to here every JSON implementation reads the same number (RFC 8259 section 6)."""

_LIST_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(\.[a-z0-9][a-z0-9_-]{0,63})?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def refuse(document: str, name: str) -> NoReturn:
    """Raise ProvenanceFailed."""
    raise ProvenanceFailed(f"the {document} is malformed at {name!r}; its authority must publish it again")


class Fields:
    """The fields of one document; `document` is what errors call it. All raise ProvenanceFailed."""

    def __init__(self, said: Mapping[str, Any], document: str) -> None:
        self._said = said
        self._document = document

    def refuse(self, name: str) -> NoReturn:
        """Say that this field is not what it should be."""
        refuse(self._document, name)

    def integer(self, name: str, low: int, high: int = MAX_INTEGER) -> int:
        """A whole number within bounds."""
        value = self._said.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(name)
        return value

    def digest(self, name: str) -> str:
        """A SHA-256 in hex."""
        value = self._said.get(name)
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            self.refuse(name)
        return value

    def list_id(self, name: str) -> str:
        """The name of a list, or of one receiver's copy of it (`list.receiver`)."""
        value = self._said.get(name)
        if not isinstance(value, str) or not _LIST_ID.fullmatch(value):
            self.refuse(name)
        return value

    def texts(self, name: str, most: int) -> tuple[str, ...]:
        """Up to `most` different lines of text."""
        value = self._said.get(name)
        if not isinstance(value, list) or len(value) > most or not are_lines(value):
            self.refuse(name)
        return tuple(value)

    def tables(self, name: str, most: int) -> "list[Fields]":
        """Up to `most` objects."""
        value = self._said.get(name)
        if not isinstance(value, list) or len(value) > most:
            self.refuse(name)
        if not all(isinstance(one, dict) for one in value):
            self.refuse(name)
        return [Fields(one, self._document) for one in value]

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._said.get(name) is not None


_NO_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|^\s|\s$|^$")


def are_lines(values: list[Any]) -> bool:
    """Whether these are different texts that each stand on one line of a list."""
    if not all(isinstance(one, str) for one in values):
        return False
    different = set(values)
    if len(different) < len(values):
        return False
    text = "".join(values)
    if text.isascii() and text.isprintable() and " " not in text:
        # So it is with nearly all lists: nothing that could end a line, or be lost at an end of one.
        return "" not in different
    return not any(_NO_LINE.search(one) for one in values)
