"""The immutable compiled entries of all lists: a memory-mapped file of keyed hashes.

No entry can be read back from it. A stored hash has 128 bits, so with n records one question of
m probes meets a false match with probability n*m / 2^128: for 10 million records and 40 probes
about 1e-30. Hashes are keyed, so nobody without the key can craft a name that collides.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Protocol, TypeVar

from cop_filter import _native
from cop_filter.entries import Entry
from cop_filter.errors import IndexRefused, InvalidUrl
from cop_filter.keywords import ANY_QUERY
from cop_filter.names import canonical_host, canonical_hosts, canonical_url, canonical_urls
from cop_filter.verdict import Kind

T = TypeVar("T")

Codes = int | tuple[int, ...]
"""The records that apply to a question, most specific first: one code, or several."""

Evidence = list[tuple[int, int]]
"""(code, opaque reference) of the records that apply to a question, most specific first."""

CODE_BYTES = slice(96, 128)
"""Where an index file holds its authentication code (see native/src/layout.rs)."""


class RecordKind(IntEnum):
    """What a code says of its record; the first eight mirror native/src/layout.rs."""

    DOMAIN = 0
    BELOW = 1
    HOST = 2
    URL = 3
    URL_ANY_QUERY = 4
    PREFIX = 5
    PAGES = 6
    """No entry: the host has entries at URL level."""
    PATTERNS = 7
    """No entry: the host has patterns, so the automaton must look."""
    PATTERN = 8
    KEYWORD = 9


ENTRY_KIND = {
    RecordKind.DOMAIN: Kind.DOMAIN,
    RecordKind.BELOW: Kind.DOMAIN,
    RecordKind.HOST: Kind.HOST,
    RecordKind.URL: Kind.URL,
    RecordKind.URL_ANY_QUERY: Kind.URL,
    RecordKind.PREFIX: Kind.PREFIX,
    RecordKind.PAGES: Kind.URL,
    RecordKind.PATTERN: Kind.PATTERN,
    RecordKind.KEYWORD: Kind.KEYWORD,
}

AUTOMATON_KINDS = frozenset({Kind.PATTERN, Kind.KEYWORD})

AutomatonEntry = tuple[int, Kind, str]
"""(list number, kind, text) of a pattern or keyword: the automaton needs the text itself."""

AutomatonEntries = Mapping[AutomatonEntry, int]
"""Of how many texts of its list each was made: several spellings may come to one."""


def code(list_number: int, kind: RecordKind, *, folded: bool) -> int:
    """What stands for a match: list number, kind and spelling in one integer."""
    return list_number << 5 | kind << 1 | folded


def as_tuple(codes: Codes | None) -> tuple[int, ...]:
    """All codes of an answer."""
    return () if codes is None else (codes,) if isinstance(codes, int) else codes


def read_code(value: int) -> tuple[int, RecordKind, bool]:
    """(list number, kind, folded) of a code."""
    return value >> 5, RecordKind(value >> 1 & 15), bool(value & 1)


Resolve = Callable[[Codes | str | None], T]
"""Makes an answer of codes, or of a str: the reason why a word is no host or URL."""


class Matcher(Protocol):
    """What the engine asks. ValueError: the word is no host or URL.

    In a batch `resolve` is asked once for each distinct answer. `which_*` are like `match_*` and tell nothing
    of spellings, which takes longer than all the rest where one is odd: no code is folded.
    """

    def match_host(self, host: str | bytes) -> Codes | None: ...
    def match_url(self, url: str | bytes) -> Codes | None: ...
    def match_url_host(self, url: str | bytes) -> Codes | None: ...
    def match_hosts(self, hosts: list[str], resolve: Resolve[T]) -> list[T]: ...
    def match_urls(self, urls: list[str], resolve: Resolve[T]) -> list[T]: ...
    def which_hosts(self, hosts: list[str], resolve: Resolve[T]) -> list[T]: ...
    def which_urls(self, urls: list[str], resolve: Resolve[T]) -> list[T]: ...
    def explain_host(self, host: str | bytes) -> Evidence: ...
    def explain_url(self, url: str | bytes) -> Evidence: ...

    def is_whole(self) -> bool:
        """Whether it still is what was opened and verified. Takes 8 ms for a million entries."""
        ...


class EmptyIndex:
    """Matches nothing, and still refuses what is no host or URL: before the first publish."""

    def is_whole(self) -> bool:
        return True

    def match_host(self, host: str | bytes) -> None:
        canonical_host(host)

    def match_url(self, url: str | bytes) -> None:
        canonical_url(url)

    match_url_host = match_url

    def match_hosts(self, hosts: list[str], resolve: Resolve[T]) -> list[T]:
        return [resolve(_reason(host)) for host in canonical_hosts(hosts)]

    def match_urls(self, urls: list[str], resolve: Resolve[T]) -> list[T]:
        return [resolve(_reason(url)) for url in canonical_urls(urls)]

    which_hosts = match_hosts
    which_urls = match_urls

    def explain_host(self, host: str | bytes) -> Evidence:
        canonical_host(host)
        return []

    def explain_url(self, url: str | bytes) -> Evidence:
        canonical_url(url)
        return []


def _reason(canonical: object) -> str | None:
    return str(canonical) if isinstance(canonical, InvalidUrl) else None


def open_index(path: str, key: bytes) -> _native.Index:
    """Map the index file at `path` and verify it; raises IndexRefused with the reason."""
    try:
        return _native.Index(path, key)
    except ValueError as reason:
        raise IndexRefused(f"index file refused: {reason}") from None


def automaton_entry(list_number: int, entry: Entry) -> AutomatonEntry:
    """A pattern or keyword as the automaton has it."""
    return list_number, entry.kind, entry.key + ANY_QUERY if entry.any_query else entry.key


def holds(
    index: _native.Index, automaton: AutomatonEntries, list_number: int, entries: Sequence[Entry]
) -> list[bool]:
    """Whether a list holds each of these entries, in whatever spelling."""
    ordinary = [entry for entry in entries if entry.kind not in AUTOMATON_KINDS]
    held = index.holds(list_number, ordinary)
    if len(held) == len(entries):
        return held
    found = iter(held)
    return [
        automaton_entry(list_number, entry) in automaton if entry.kind in AUTOMATON_KINDS else next(found)
        for entry in entries
    ]


Protected = _native.Protected


def protected_hosts(index: Matcher, list_numbers: Sequence[int]) -> Protected | None:
    """The host-level entries of some lists, apart from all others; None where there is no index file.

    Asking after one takes the same way whether a name is on another list or not.
    """
    if not isinstance(index, _native.Index):
        return None
    return Protected(index, list(list_numbers))


class Builder:
    """Collects entries of all lists for one index file. Entries of the automaton are kept apart."""

    def __init__(self, key: bytes) -> None:
        self._native = _native.Builder(key)
        self.automaton_entries: Counter[AutomatonEntry] = Counter()

    def add(self, list_number: int, entries: Sequence[Entry]) -> None:
        """Add entries to the list with this number."""
        special = _special(entries)
        self.automaton_entries.update(automaton_entry(list_number, entry) for entry in special)
        self._native.add(list_number, _indexed(entries, special))

    def carry(self, index: _native.Index, automaton: AutomatonEntries, numbers: Mapping[int, int]) -> None:
        """Take over lists from another generation, without knowing their entries: new numbers by old."""
        self._native.carry(index, dict(numbers))
        self.automaton_entries.update(
            {
                (numbers[number], kind, text): texts
                for (number, kind, text), texts in automaton.items()
                if number in numbers
            }
        )

    def amend(
        self,
        base: tuple[_native.Index, AutomatonEntries],
        numbers: tuple[int, int],
        added: Sequence[Entry],
        removed: Sequence[Entry],
    ) -> None:
        """Take over one list (old number, new number) with what comes and without what goes.

        Raises ValueError, and takes over nothing, unless each entry that goes is there, made of one text
        alone, and none that comes is there besides.
        """
        index, automaton = base
        old, new = numbers
        special_added, special_removed = _special(added), _special(removed)
        its = Counter({each: texts for each, texts in automaton.items() if each[0] == old})
        for each in (automaton_entry(old, entry) for entry in special_removed):
            if its[each] != 1:
                raise ValueError(
                    "of several lines that mean the same one goes"
                    if its[each]
                    else "an entry that goes is not in the list in force"
                )
            del its[each]
        come = [automaton_entry(old, entry) for entry in special_added]
        if any(each in its for each in come):
            raise ValueError("an entry that comes is in the list in force already")
        its.update(come)
        self._native.amend(index, numbers, _indexed(added, special_added), _indexed(removed, special_removed))
        self.automaton_entries.update({(new, kind, text): texts for (_, kind, text), texts in its.items()})

    def settle(self, list_count: int) -> list[int]:
        """Sort, remove duplicates; the number of distinct entries of each list."""
        counts = self._native.settle()
        counts += [0] * (list_count - len(counts))
        for number, _, _ in self.automaton_entries:
            counts[number] += 1
        return counts

    def write(self, path: str) -> None:
        """Write what was settled to a new file, synced to disk. Raises OSError."""
        self._native.write(path)


def _special(entries: Sequence[Entry]) -> list[Entry]:
    """Those that the automaton needs. None in most chunks of most lists."""
    return [entry for entry in entries if entry.kind in AUTOMATON_KINDS]


def _indexed(entries: Sequence[Entry], special: Sequence[Entry]) -> list[Entry]:
    """Those that the index needs: all but keywords, which may stand on any host."""
    if special:
        return [entry for entry in entries if entry.kind is not Kind.KEYWORD]
    return entries if isinstance(entries, list) else list(entries)
