"""Page-level entries of hosts that the same list blocks whole, in bounded memory."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from cop_filter.guards.suffixes import ancestors

MAX_NAMES = 60_000

Named = Iterable[tuple[str, str]]
"""Hosts, each with its registered domain."""


class Reach(NamedTuple):
    """What an entry for a host covers."""

    itself: bool
    below: bool


class Conflicts:
    """Compares a list's pages with its hosts; exact up to MAX_NAMES names.

    Past that, only a share of the registered domains is looked at, halved as often as it takes. Python's
    keyed hash chooses them, so that no author of a list can.
    """

    def __init__(self, max_names: int = MAX_NAMES) -> None:
        self._max_names = max_names
        self._mask = 0
        self._hosts: dict[Reach, dict[str, str]] = {}
        self._pages: Counter[tuple[str, str]] = Counter()

    def add_hosts(self, reach: Reach, names: Named) -> None:
        """Hosts that are blocked whole."""
        self._hosts.setdefault(reach, {}).update(self._sample(names))
        self._bound()

    def add_pages(self, names: Named) -> None:
        """The host of each page-level entry."""
        self._pages.update(self._sample(names))
        self._bound()

    def _sample(self, names: Named) -> Named:
        mask = self._mask
        return [named for named in names if not hash(named[1]) & mask] if mask else names

    def _bound(self) -> None:
        while len(self._pages) + sum(map(len, self._hosts.values())) > self._max_names:
            self._mask = self._mask << 1 | 1
            self._hosts = {reach: dict(self._sample(names.items())) for reach, names in self._hosts.items()}
            self._pages = Counter({named: self._pages[named] for named in self._sample(self._pages)})

    def count(self) -> tuple[int, int]:
        """(page entries that were compared, those of them whose host is blocked whole)"""
        covered = sum(count for (host, _), count in self._pages.items() if self._covers(host))
        return sum(self._pages.values()), covered

    def _covers(self, host: str) -> bool:
        return any(
            (reach.itself and host in names) or (reach.below and any(up in names for up in ancestors(host)))
            for reach, names in self._hosts.items()
        )
