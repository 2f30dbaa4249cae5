"""How many entries stand under each registered domain, in bounded memory."""

from collections import Counter
from collections.abc import Sequence

MAX_COUNTED = 200_000


class BusyDomains:
    """Counts by registered domain; exact up to MAX_COUNTED of them.

    Past that, the less frequent half is forgotten with as many counts of each other (Misra and Gries,
    "Finding repeated elements", 1982; Manku and Motwani's lossy counting). A count is then too low by at
    most 2 entries in MAX_COUNTED, and never too high: no list is refused for what it does not hold.
    """

    def __init__(self, max_counted: int = MAX_COUNTED) -> None:
        self._max_counted = max_counted
        self._counts: Counter[str] = Counter()

    def add(self, domains: Sequence[str]) -> None:
        """Count entries, given the registered domain of each."""
        self._counts.update(domains)
        if len(self._counts) > self._max_counted:
            floor = sorted(self._counts.values())[len(self._counts) // 2]
            self._counts = Counter(
                {domain: count - floor for domain, count in self._counts.items() if count > floor}
            )

    def over(self, limit: int) -> int:
        """How many registered domains have more entries than that."""
        return sum(count > limit for count in self._counts.values())

    @property
    def busiest(self) -> int:
        """Entries under the registered domain that has most."""
        return max(self._counts.values(), default=0)
