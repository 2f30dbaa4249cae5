"""Page-level entries of hosts that the same list blocks whole, in bounded memory."""

from collections.abc import Iterable
from typing import NamedTuple

from cop_filter.entries import Entry
from cop_filter.guards.suffixes import ancestors
from cop_filter.verdict import Kind

MAX_NAMES = 60_000


class _Names(NamedTuple):
    """Hosts, each with the hash of its registered domain; of pages also how many."""

    domains: dict[str, int]
    below: dict[str, int]
    hosts: dict[str, int]
    pages: dict[str, tuple[int, int]]


class Conflicts:
    """Compares a list's pages with its hosts; exact up to MAX_NAMES names.

    Past that, only a share of the registered domains is looked at: those whose hash has none of the bits
    of `mask`, which grows by a bit as often as it takes.
    """

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self.mask = 0
        self._max_names = max_names
        self._names = _Names({}, {}, {}, {})

    def add(self, entries: Iterable[tuple[Entry, int]]) -> None:
        """Entries of the sample, each with the hash of its registered domain."""
        names = self._names
        for entry, domain in entries:
            kind, key, _, only_below, _ = entry
            if kind is Kind.DOMAIN:
                (names.below if only_below else names.domains)[key] = domain
            elif kind is Kind.HOST:
                names.hosts[key] = domain
            else:
                host = key.partition("/")[0]
                _, count = names.pages.get(host, (domain, 0))
                names.pages[host] = domain, count + 1
        while sum(map(len, self._names)) > self._max_names:
            self._halve()

    def _halve(self) -> None:
        self.mask = mask = self.mask << 1 | 1
        *whole, pages = self._names
        kept = [{name: domain for name, domain in names.items() if not domain & mask} for names in whole]
        self._names = _Names(*kept, {host: each for host, each in pages.items() if not each[0] & mask})

    def count(self) -> tuple[int, int]:
        """(page entries that were compared, those of them whose host is blocked whole)"""
        pages = self._names.pages
        covered = sum(count for host, (_, count) in pages.items() if self._covers(host))
        return sum(count for _, count in pages.values()), covered

    def _covers(self, host: str) -> bool:
        domains, below, hosts, _ = self._names
        return host in domains or host in hosts or any(up in domains or up in below for up in ancestors(host))
