"""The hosts of a list's entries: whose they are, and which of the new ones no list may hold."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from operator import itemgetter

from cop_filter.entries import Entry
from cop_filter.guards.conflicts import Conflicts, Reach
from cop_filter.guards.domains import BusyDomains
from cop_filter.guards.never_block import NeverBlock
from cop_filter.guards.suffixes import SuffixRules, tail
from cop_filter.verdict import Kind

_PAGE_LEVEL = frozenset({Kind.URL, Kind.PREFIX, Kind.PATTERN})
_HOST_LEVEL = frozenset({Kind.DOMAIN, Kind.HOST})
_ONLY_BELOW = itemgetter(3)
_ADDRESS_ENDS = "0123456789]"


class Names:
    """Gathers, chunk by chunk, what the guards of names decide from."""

    def __init__(self, never_block: NeverBlock, suffixes: SuffixRules) -> None:
        self.domains = BusyDomains()
        self.conflicts = Conflicts()
        self.suffixes = 0
        """New entries that cover a public suffix."""
        self.never_blocked: Counter[str] = Counter()
        """New entries that would block what must never be, by origin of the rule."""
        self._registered_whole = 0
        self._never_block = never_block
        self._rules = suffixes
        protected = (*never_block.hosts, *never_block.below)
        self._tails = suffixes.deep_tails | frozenset(map(tail, protected))
        self._ends = frozenset(end[-3:] for end in suffixes.wild_ends)

    def add(self, entries: Sequence[Entry], kinds: Mapping[Kind, int], is_new: Sequence[bool] | None) -> None:
        """Look at entries, so many of each kind; `is_new` tells of each (None: all are)."""
        if kinds.get(Kind.KEYWORD):
            self._add_keywords(entries, is_new)
            named = [entry[0] is not Kind.KEYWORD for entry in entries]
            is_new = None if is_new is None else list(compress(is_new, named))
            entries = list(compress(entries, named))
        hosts = [entry[1] for entry in entries]
        has_pages = any(kinds.get(kind) for kind in _PAGE_LEVEL)
        if has_pages:
            hosts = [key.partition("/")[0] for key in hosts]
        domains = self._registered_domains(entries, hosts, is_new)
        self.domains.add(domains)
        self._compare(entries, hosts, domains, one_kind=len(kinds) == 1)
        if kinds.get(Kind.DOMAIN):
            new = range(len(entries)) if is_new is None else compress(range(len(entries)), is_new)
            self._registered_whole += sum(
                hosts[at] == domains[at] and entries[at][0] is Kind.DOMAIN for at in new
            )

    def classes(self) -> dict[str, int]:
        """What comes and what is there, by what it is in the name space."""
        return {
            "registered domains whole": self._registered_whole,
            "registered domains with 100 entries or more": self.domains.over(99),
            "entries under the busiest registered domain": self.domains.busiest,
        }

    def _add_keywords(self, entries: Sequence[Entry], is_new: Sequence[bool] | None) -> None:
        for entry in entries if is_new is None else compress(entries, is_new):
            if entry[0] is Kind.KEYWORD:
                self._hold_against_never_block(entry)

    def _registered_domains(
        self, entries: Sequence[Entry], hosts: Sequence[str], is_new: Sequence[bool] | None
    ) -> list[str]:
        # The last two labels, written out: this runs for every entry.
        domains = [host[host.rfind(".", 0, host.rfind(".")) + 1 :] for host in hosts]
        tails, ends = self._tails, self._ends
        odd = [
            at
            for at, last in enumerate(domains)
            if last in tails or last[-3:] in ends or last[-1] in _ADDRESS_ENDS
        ]
        for at in odd:
            entry, host = entries[at], hosts[at]
            domains[at] = host if is_address(host) else self._rules.registered(host)
            if entry[0] in _HOST_LEVEL and (is_new is None or is_new[at]):
                self._hold_against_never_block(entry)
                self._hold_against_suffixes(entry)
        return domains

    def _hold_against_never_block(self, entry: Entry) -> None:
        origin = self._never_block.origin(entry)
        if origin is not None:
            self.never_blocked[origin] += 1

    def _hold_against_suffixes(self, entry: Entry) -> None:
        """An exact host above a suffix takes nobody else's site with it; at one, it is that of a registry."""
        if is_address(entry.key):
            return
        at_or_above = self._rules.covers if entry.kind is Kind.DOMAIN else self._rules.is_suffix
        self.suffixes += at_or_above(entry.key)

    def _compare(
        self, entries: Sequence[Entry], hosts: Sequence[str], domains: Sequence[str], *, one_kind: bool
    ) -> None:
        kind = entries[0][0] if entries and one_kind else None
        if kind is not None and not (kind is Kind.DOMAIN and any(map(_ONLY_BELOW, entries))):
            reaches = {_reach(entries[0])}
        else:
            reaches = set(map(_reach, entries))
        for reach in reaches:
            named: Iterable[tuple[str, str]] = zip(hosts, domains, strict=True)
            if len(reaches) > 1:
                named = compress(named, [_reach(entry) is reach for entry in entries])
            if reach is None:
                self.conflicts.add_pages(named)
            else:
                self.conflicts.add_hosts(reach, named)


_DOMAIN, _BELOW, _HOST = Reach(True, True), Reach(False, True), Reach(True, False)


def _reach(entry: Entry) -> Reach | None:
    """What an entry covers of hosts; None: pages."""
    if entry[0] is Kind.DOMAIN:
        return _BELOW if entry[3] else _DOMAIN
    return _HOST if entry[0] is Kind.HOST else None


def is_address(host: str) -> bool:
    """Whether a canonical host is an IPv4 or IPv6 address."""
    return host[0] == "[" or host.rpartition(".")[2].isdigit()
