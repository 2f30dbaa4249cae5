"""Reads words, numbers and quantities: a reader takes the TOML value and raises ValueError with the reason.

Readers that take settings return the reader. No message repeats a value that might hold a secret or
a listed address; words from a fixed vocabulary, numbers and sockets are repeated.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from cop_filter.config.table import ArrayError, Reader
from cop_filter.entries import parse
from cop_filter.errors import InvalidUrl
from cop_filter.names import canonical_url
from cop_filter.signing.keys import Person, PublicKey

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1, "B": 1,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
}  # fmt: skip
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", re.ASCII)
_RESERVED_ID = re.compile(r"own-hosts|never-block|self-test|exemption-\d+", re.ASCII | re.IGNORECASE)
"""Under these a generation holds the operator's own; a list of that name would be mistaken for it."""
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_ENVIRONMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):\S+", re.ASCII)
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_MAIL = re.compile(
    r"(?P<mailto>mailto:)?[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
    r"(?(mailto)(?:\?[^\s<>\"]+)?)",
    re.ASCII | re.IGNORECASE,
)


def text(value: object) -> str:
    """One line that says something."""
    if not isinstance(value, str):
        raise ValueError(f"must be text in quotes, not {_kind(value)}")
    if not value.strip():
        raise ValueError("must not be empty")
    if _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value


def contact(value: object) -> str:
    """A contact that the page shows: free text, or a link of a kind that is safe to show."""
    line = text(value)
    scheme = _SCHEME.fullmatch(line)
    if scheme and scheme[1].lower() not in ("https", "http", "mailto", "tel"):
        raise ValueError(
            "is a link of a kind that the page will not show; choose from: https, mailto, tel, http"
        )
    if scheme and scheme[1].lower() in ("https", "http"):
        canonical_url(line)
    return line


def reachable(value: object) -> str:
    """A web or mail address and nothing else: it also stands in a header for machines (RFC 7725 §4)."""
    line = text(value)
    if not (_MAIL.fullmatch(line) or (_WEB.fullmatch(line) and _is_url(line))):
        raise ValueError(
            "must be a web or a mail address alone, such as https://isp.example/appeal or appeals@isp.example"
        )
    return line


def _is_url(line: str) -> bool:
    try:
        canonical_url(line)
    except InvalidUrl:
        return False
    return True


def exempted(value: object) -> str:
    """What an exemption allows, in the grammar of plain lists. No message repeats it."""
    line = text(value)
    parse(line)
    return line


def boolean(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_kind(value)}")
    return value


def public_key(value: object) -> PublicKey:
    """An Ed25519 public key."""
    return PublicKey.parse(text(value))


def person(value: object) -> Person:
    """Somebody and their public key: "NAME ed25519:BASE64"."""
    name, _, key = text(value).rpartition(" ")
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError('must be a name without spaces and a public key, such as "ann ed25519:..."')
    return Person(name, PublicKey.parse(key))


def identifier(value: object) -> str:
    """An id that is safe as a file name and as a metric label."""
    word = text(value)
    if not _IDENTIFIER.fullmatch(word):
        raise ValueError("must be 1 to 64 letters, digits, '-', '_' or '.', and start with a letter or digit")
    return word


def list_id(value: object) -> str:
    """The id of a configured list."""
    word = identifier(value)
    if _RESERVED_ID.fullmatch(word):
        raise ValueError("is an id that cop-filter keeps for its own lists")
    return word


def environment_name(value: object) -> str:
    """The name of an environment variable, never its content."""
    word = text(value)
    if not _ENVIRONMENT.fullmatch(word):
        raise ValueError("must be the name of an environment variable, such as LIST_TOKEN")
    return word


def choice(what: str, options: Iterable[str]) -> Reader:
    """One word of a fixed vocabulary: the members of an enumeration, or a tuple of words."""
    words = {str(option): option for option in options}

    def read(value: object) -> str:
        if isinstance(value, str) and value in words:
            return words[value]
        shown = repr(value) if isinstance(value, str) else _kind(value)
        raise ValueError(f"{shown} is not {what}; choose from: {', '.join(words)}")

    return read


def array(read_one: Reader, *, at_least: int = 1) -> Reader:
    """A list of values without repetition, as a tuple in the order written."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"must be a list in brackets, [...], not {_kind(value)}")
        if len(value) < at_least:
            raise ValueError("must name at least one")
        items: list[Any] = []
        faults: list[tuple[str, str]] = []
        for place, one in enumerate(value):
            try:
                item = read_one(one)
            except ValueError as exc:
                faults.append((f"[{place}]", str(exc)))
                items.append(None)
                continue
            if item in items:
                faults.append((f"[{place}]", "is there twice"))
            items.append(item)
        if faults:
            raise ArrayError(faults, tuple(items))
        return tuple(items)

    return read


def integer(low: int, high: int) -> Reader:
    """A whole number within bounds."""

    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"must be a whole number, not {_kind(value)}")
        return int(_within(value, low, high))

    return read


def number(low: float, high: float) -> Reader:
    """A number within bounds."""

    def read(value: object) -> float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise ValueError(f"must be a number, not {_kind(value)}")
        return float(_within(value, low, high))

    return read


def duration(low_s: float, high_s: float) -> Reader:
    """A duration such as "30s", "15m", "1h", "2d" or "500ms", in seconds."""

    def read(value: object) -> float:
        match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
        if match is None or match[2] not in _SECONDS:
            raise ValueError('must be a duration with its unit, such as "30s", "15m", "1h" or "2d"')
        seconds = float(match[1]) * _SECONDS[match[2]]
        if not low_s <= seconds <= high_s:
            raise ValueError(f"must be from {_shown_s(low_s)} to {_shown_s(high_s)}")
        return seconds

    return read


def whole_seconds(low_s: int, high_s: int) -> Reader:
    """A duration of whole seconds, as DNS TTLs are (RFC 2181 section 8)."""
    read_duration = duration(low_s, high_s)

    def read(value: object) -> int:
        seconds = float(read_duration(value))
        if not seconds.is_integer():
            raise ValueError("must be whole seconds")
        return int(seconds)

    return read


def size(low: int, high: int) -> Reader:
    """A size such as "64MiB", or a whole number of bytes; in bytes."""

    def read(value: object) -> int:
        written = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        match = _QUANTITY.fullmatch(written) if isinstance(written, str) else None
        if match is None or match[2] not in _BYTES:
            raise ValueError('must be a size with its unit, such as "512KiB", "64MiB" or "1GiB"')
        size_bytes = float(match[1]) * _BYTES[match[2]]
        if not low <= size_bytes <= high:
            raise ValueError(f"must be from {_shown_bytes(low)} to {_shown_bytes(high)}")
        return int(size_bytes)

    return read


def day(value: object) -> date:
    """A date, written without quotes: 2026-01-31."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("must be a date without quotes and without a time, such as 2026-01-31")
    return value


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"must be from {low} to {high}")
    return value


def _kind(value: object) -> str:
    kinds = {
        bool: "true or false",
        str: "text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return kinds.get(type(value), "a date")


def _shown_s(seconds: float) -> str:
    for unit in ("d", "h", "m", "s"):
        if seconds >= _SECONDS[unit] and (seconds / _SECONDS[unit]).is_integer():
            return f"{seconds / _SECONDS[unit]:g}{unit}"
    return "0s" if not seconds else f"{seconds * 1000:g}ms"


def _shown_bytes(count: int) -> str:
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count >= _BYTES[unit] and count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return f"{count}B"
