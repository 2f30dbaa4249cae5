"""The hosts of a list's entries: whose they are, and which of the new ones no list may hold."""

import secrets
from collections import Counter
from collections.abc import Sequence

from cop_filter import _native
from cop_filter.entries import Entry
from cop_filter.errors import ListRefused
from cop_filter.guards.conflicts import Conflicts
from cop_filter.guards.never_block import NeverBlock
from cop_filter.guards.suffixes import SuffixRules, tail
from cop_filter.verdict import Kind

_KEY_BYTES = 16
_HOST_LEVEL = frozenset({Kind.DOMAIN, Kind.HOST})


class Names:
    """Gathers, chunk by chunk, what the guards of names decide from.

    The native module looks at every entry; only those are looked at here whose last labels are those of
    a public suffix or of a name that must never be blocked. Of a change, `before` is what `counts` gave of
    the version that is changed (empty: that is not known). Raises ListRefused when it is damaged.
    """

    def __init__(
        self, never_block: NeverBlock, suffixes: SuffixRules, *, before: bytes | None = None
    ) -> None:
        self.conflicts = Conflicts()
        self.suffixes = 0
        """New entries that cover a public suffix."""
        self.never_blocked: Counter[str] = Counter()
        """New entries that would block what must never be, by origin of the rule."""
        self._whole = 0
        self._never_block = never_block
        self._rules = suffixes
        protected = map(tail, (*never_block.hosts, *never_block.below))
        self._key = before[:_KEY_BYTES] if before else secrets.token_bytes(_KEY_BYTES)
        try:
            self._domains = _native.Domains(
                self._key,
                list(suffixes.two_labels),
                list(suffixes.odd_tails.union(protected)),
                list(suffixes.wild_ends),
                None if before is None else before[_KEY_BYTES:],
            )
        except ValueError:
            raise ListRefused("what is held of its domains is damaged; the list is fetched whole") from None

    def add(self, entries: Sequence[Entry], is_new: Sequence[bool] | None) -> None:
        """Look at entries; `is_new` tells of each (None: all are)."""
        mask = self.conflicts.mask
        odd, sample, whole = self._domains.add(entries if isinstance(entries, list) else list(entries), mask)
        self._whole += whole
        named: list[Entry] = []
        registered: list[str] = []
        for at in odd:
            entry = entries[at]
            domain = self._look(entry, is_new=is_new is None or is_new[at])
            if domain is not None:
                named.append(entry)
                registered.append(domain)
        odd_sample = self._domains.count(registered, mask)
        self.conflicts.add((entries[at], domain) for at, domain in sample)
        self.conflicts.add((named[at], domain) for at, domain in odd_sample)

    def remove(self, entries: Sequence[Entry]) -> None:
        """Count what a change takes away."""
        odd = self._domains.remove(entries if isinstance(entries, list) else list(entries))
        domains = [self._registered(entries[at]) for at in odd]
        self._domains.uncount([domain for domain in domains if domain is not None])

    def _registered(self, entry: Entry) -> str | None:
        """Under what it is counted; a keyword is not."""
        if entry[0] is Kind.KEYWORD:
            return None
        host = entry[1].partition("/")[0]
        return host if is_address(host) else self._rules.registered(host)

    def _look(self, entry: Entry, *, is_new: bool) -> str | None:
        """Hold an odd entry, if it is new, against the lists; its registered domain (a keyword has none)."""
        kind, key = entry[0], entry[1]
        if is_new and (kind in _HOST_LEVEL or kind is Kind.KEYWORD):
            origin = self._never_block.origin(entry)
            if origin is not None:
                self.never_blocked[origin] += 1
        if kind is Kind.KEYWORD:
            self.suffixes += is_new and self._rules.are_called(key)
        domain, host = self._registered(entry), key.partition("/")[0]
        if domain is None or is_address(host):
            return domain
        self._whole += kind is Kind.DOMAIN and domain == host
        if is_new and kind in _HOST_LEVEL and (domain == host or host in self._rules.above):
            # An exact host above a suffix takes nobody's site with it; at one, it is that of a registry.
            covers = self._rules.covers if kind is Kind.DOMAIN else self._rules.is_suffix
            self.suffixes += covers(host)
        return domain

    def per_domain(self, limit: int) -> tuple[int, int]:
        """(registered domains with more entries than that, entries under the one with most).

        Of a change, only those are looked at under which something comes; what they had counts.
        """
        return self._domains.over(limit)

    def counts(self) -> bytes:
        """What the next change is counted upon: a key, and keyed hashes of domains with their entries."""
        return self._key + self._domains.table()

    def classes(self) -> dict[str, int]:
        """What was read, by what it is in the name space."""
        many, busiest = self.per_domain(99)
        return {
            "entries for whole registered domains": self._whole,
            "registered domains with 100 entries or more": many,
            "entries under the busiest registered domain": busiest,
        }


def is_address(host: str) -> bool:
    """Whether a canonical host is an IPv4 or IPv6 address."""
    return host[0] == "[" or host.rpartition(".")[2].isdigit()
