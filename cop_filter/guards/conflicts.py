"""Page-level entries of hosts that the same list blocks whole, in bounded memory."""

from collections.abc import Iterable

from cop_filter.entries import Entry
from cop_filter.guards.suffixes import ancestors
from cop_filter.verdict import Kind

MAX_NAMES = 60_000


class Conflicts:
    """Compares a list's pages with its hosts; exact up to MAX_NAMES names.

    Past that, only a share of the registered domains is looked at: those whose hash has none of the bits
    of `mask`, which grows by a bit as often as it takes.
    """

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self.mask = 0
        self._max_names = max_names
        # Hosts, each with the hash of its registered domain; with that of a page, how many there are.
        self._domains: dict[str, int] = {}
        self._below: dict[str, int] = {}
        self._hosts: dict[str, int] = {}
        self._pages: dict[str, tuple[int, int]] = {}

    def add(self, entries: Iterable[tuple[Entry, int]]) -> None:
        """Entries, each with the hash of its registered domain; those outside the sample are passed over."""
        for entry, domain in entries:
            if domain & self.mask:
                continue
            kind, key, _, only_below, _ = entry
            if kind is Kind.DOMAIN:
                (self._below if only_below else self._domains)[key] = domain
            elif kind is Kind.HOST:
                self._hosts[key] = domain
            else:
                host = key.partition("/")[0]
                _, count = self._pages.get(host, (domain, 0))
                self._pages[host] = domain, count + 1
        while len(self._domains) + len(self._below) + len(self._hosts) + len(self._pages) > self._max_names:
            self._halve()

    def _halve(self) -> None:
        self.mask = mask = self.mask << 1 | 1
        self._domains, self._below, self._hosts = (
            {name: domain for name, domain in names.items() if not domain & mask}
            for names in (self._domains, self._below, self._hosts)
        )
        self._pages = {host: page for host, page in self._pages.items() if not page[0] & mask}

    def count(self) -> tuple[int, int]:
        """(page entries that were compared, those of them whose host is blocked whole)"""
        covered = sum(count for host, (_, count) in self._pages.items() if self._covers(host))
        return sum(count for _, count in self._pages.values()), covered

    def _covers(self, host: str) -> bool:
        return (
            host in self._domains
            or host in self._hosts
            or any(up in self._domains or up in self._below for up in ancestors(host))
        )
