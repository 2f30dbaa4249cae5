"""Patterns and keywords: an Aho-Corasick automaton over their literal factors, then verification.

A pattern is a canonical URL key with `*` in its path: any run of characters without `/` and `?`. A
final `?*` stands for any query or none. A keyword is a lower-case word that must stand alone in the
canonical URL, not inside a longer word. The automaton (pyahocorasick) only proposes candidates; each
is verified exactly.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator

import ahocorasick

from cop_filter.verdict import Kind

ANY_QUERY = "?*"

Hit = tuple[int, Kind, int]
"""(list number, kind, reference)"""


class Automaton:
    """Immutable. `entries` are (list number, kind, key); `key` makes references opaque."""

    def __init__(self, entries: Iterable[tuple[int, Kind, str]], key: bytes) -> None:
        candidates: dict[str, list[tuple[Hit, re.Pattern[str]]]] = {}
        self.has_keywords = False
        for list_number, kind, text in sorted(entries):
            reference = hashlib.blake2b(text.encode(), digest_size=8, key=key).digest()
            hit = (list_number, kind, int.from_bytes(reference))
            self.has_keywords |= kind is Kind.KEYWORD
            candidates.setdefault(literal_factor(kind, text), []).append((hit, verifier(kind, text)))
        self._automaton = ahocorasick.Automaton()
        for factor, verified in candidates.items():
            self._automaton.add_word(factor, tuple(verified))
        self._automaton.make_automaton()

    def find(self, key: str) -> Iterator[Hit]:
        """The entries that apply to a canonical URL key, each once, patterns before keywords."""
        lower = key.lower()
        proposed = {
            hit: (pattern, lower if hit[1] is Kind.KEYWORD else key)
            for _, candidates in self._automaton.iter(lower)
            for hit, pattern in candidates
        }
        found = [hit for hit, (pattern, text) in proposed.items() if pattern.search(text)]
        return iter(sorted(found, key=lambda hit: (hit[1] is Kind.KEYWORD, hit[0])))


def literal_factor(kind: Kind, text: str) -> str:
    """The longest literal part: what must occur in any URL that the entry applies to."""
    if kind is Kind.KEYWORD:
        return text
    return max(text.removesuffix(ANY_QUERY).split("*"), key=len).lower()


def verifier(kind: Kind, text: str) -> re.Pattern[str]:
    """An expression that matches, in time linear in the URL, exactly what the entry covers."""
    if kind is Kind.KEYWORD:
        return re.compile(rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])")
    end = r"(?:\?.*)?\Z" if text.endswith(ANY_QUERY) else r"\Z"
    first, *parts = [re.escape(part) for part in text.removesuffix(ANY_QUERY).split("*")]
    if not parts:
        return re.compile(rf"\A{first}{end}")
    # The first place where a part fits is as good as any later one, because the wild card behind it
    # covers the rest: so each may be atomic, and there is no backtracking to attack.
    middle = "".join(rf"(?>[^/?]*?{part})" for part in parts[:-1])
    return re.compile(rf"\A{first}{middle}[^/?]*{parts[-1]}{end}")
