"""Which language the page speaks: translation files, and the reader's Accept-Language (RFC 9110 §12.5.4)."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from babel import Locale, UnknownLocaleError, negotiate_locale

FALLBACK = "en"
MAX_HEADER_CHARS = 1024
"""Longer Accept-Language headers are cut here: nobody reads a hundred languages."""


class Translation(NamedTuple):
    """One language: its BCP 47 tag, its writing direction (`ltr` or `rtl`), its texts by table and key."""

    language: str
    direction: str
    texts: Mapping[str, Mapping[str, str]]


@cache
def translations() -> Mapping[str, Translation]:
    """Every translation that ships, by tag: one per file in `translations/`."""
    found = {}
    for file in sorted(files(__package__).joinpath("translations").iterdir(), key=lambda each: each.name):
        language, dot, suffix = file.name.rpartition(".")
        if dot and suffix == "toml":
            texts = tomllib.loads(file.read_text(encoding="utf-8"))
            found[language] = Translation(language, _direction(language), texts)
    return MappingProxyType(found)


def choose(accept_language: str) -> Translation:
    """The translation that the reader prefers of those that ship; English where none fits."""
    return _choose(accept_language[:MAX_HEADER_CHARS].lower())


@lru_cache(maxsize=1024)
def _choose(accept_language: str) -> Translation:
    available = {tag.lower(): translation for tag, translation in translations().items()}
    # Babel answers in the spelling that it was asked in, so both sides are in lower case.
    tag = negotiate_locale(_preferred(accept_language), list(available), sep="-")
    return available[tag or FALLBACK]


def _preferred(accept_language: str) -> Sequence[str]:
    """The tags of an Accept-Language header, most wanted first, without what is malformed or refused."""
    weighted: list[tuple[float, str]] = []
    for item in accept_language.split(","):
        tag, _, parameters = item.partition(";")
        weight = _weight(parameters)
        if tag.strip() and weight > 0:
            weighted.append((weight, tag.strip()))
    # The sort is stable: equal weights keep the reader's order. `*` means any language, so it ends the list.
    tags = [tag for _, tag in sorted(weighted, key=lambda each: -each[0])]
    return [*tags[: tags.index("*")], FALLBACK] if "*" in tags else tags


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if not parameters.strip():
        return 1.0
    try:
        weight = float(value) if name.strip().lower() == "q" else 0.0
    except ValueError:
        return 0.0
    return weight if 0.0 <= weight <= 1.0 else 0.0


def _direction(language: str) -> str:
    try:
        return Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "ltr"
