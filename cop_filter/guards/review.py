"""One version of a list while it streams by: what every guard needs, gathered in one pass.

Made for a million entries: work on whole chunks at once, single entries only where one is new and could be
of interest. What is in force was accepted, by the guards or by a person, so only new entries are held
against the never-block list and the public suffixes; shares, sizes and kinds are those of the whole version.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from operator import not_

from cop_filter.config import ListConfig
from cop_filter.entries import Entry, parse_many
from cop_filter.formats import Chunk, LineError
from cop_filter.guards import churn, content, kinds, size
from cop_filter.guards.names import Names
from cop_filter.guards.never_block import NeverBlock
from cop_filter.guards.report import Accepted, Finding, GuardReport
from cop_filter.guards.seen import Guard, Seen
from cop_filter.guards.suffixes import SuffixRules, public_suffixes
from cop_filter.manifest import ListState
from cop_filter.verdict import Kind

GUARDS: Mapping[str, Guard] = {
    "bad-lines": size.few_bad_lines,
    "addresses": size.few_addresses,
    "empty": size.not_empty,
    "shrink": size.no_collapse,
    "growth": size.no_explosion,
    "churn": churn.little_churn,
    "usual-churn": churn.usual_churn,
    "never-block": content.nothing_never_blocked,
    "public-suffix": content.no_suffix,
    "per-domain": content.few_per_domain,
    "kinds": kinds.allowed_kinds,
    "new-kinds": kinds.known_kinds,
    "canaries": content.canaries_there,
    "duplicates": content.few_duplicates,
    "conflicts": content.few_conflicts,
}
"""In the order in which they give the most telling reason."""

Holds = Callable[[Sequence[Entry]], list[bool]]
"""Tells of each entry whether the list has it now."""

_PARTITIONS = 8


class Review:
    """Judges one version of one list. `add` each chunk, `remove` what a change takes away, then `report`.

    `holds` is None where nothing is in force. `canaries` are entries that the list's signatures vouch
    for, in the plain list grammar, beside those of its settings. Times are in Unix seconds;
    `refused_since` is when the first version came that was refused since the one in force. With `is_change`
    only what comes is read: then duplicates are not counted, and conflicts only of what comes. Entries under
    each domain are counted upon `domains`, which is what `domain_counts` gave of the version in force (empty:
    that is not known). Raises ListRefused when it is damaged.
    """

    def __init__(
        self,
        wanted: ListConfig,
        in_force: ListState | None,
        holds: Holds | None,
        never_block: NeverBlock,
        history: Sequence[Accepted] = (),
        *,
        canaries: Sequence[str] = (),
        is_change: bool = False,
        domains: bytes = b"",
        now: float | None = None,
        refused_since: float | None = None,
        suffixes: SuffixRules | None = None,
    ) -> None:
        self._wanted = wanted
        self._in_force = None if in_force is None else in_force.entries
        self._holds = holds if in_force is not None else None
        self._never_block = never_block
        self._history = tuple(history)
        self._is_change = is_change
        self._now = now
        self._first_seen = now if now is None or refused_since is None else min(now, refused_since)
        before = domains if is_change else None
        self._names = Names(never_block, suffixes or public_suffixes(), before=before)
        self._lines = self._bad_lines = self._addresses = self._read = 0
        self._first_errors: list[LineError] = []
        self._kinds: Counter[Kind] = Counter()
        self._new = self._removed = 0
        self._new_hashes = array("q")
        read = parse_many([text.strip() for text in (*wanted.canaries, *canaries)])
        self._canaries = {_identity(one) for one in read if isinstance(one, Entry)}
        self._no_canaries = sum(not isinstance(one, Entry) for one in read)
        """Those that are no entry: no version can hold them."""
        self._missing = set(self._canaries)
        self._taken: set[_Identity] = set()

    def add(self, chunk: Chunk) -> list[Entry]:
        """Look at one chunk; gives back its new entries, for who wants to prove them later."""
        self._lines += chunk.lines
        self._bad_lines += len(chunk.errors)
        self._addresses += len(chunk.addresses)
        self._first_errors += chunk.errors[: size.SHOWN_ERRORS - len(self._first_errors)]
        entries = chunk.entries
        self._read += len(entries)
        self._kinds.update([entry[0] for entry in entries])
        new, is_new = entries, None
        if self._holds is not None:
            is_new = list(map(not_, self._holds(entries)))
            new = list(compress(entries, is_new))
            self._new_hashes.extend([hash(_identity(entry)) for entry in new])
        self._new += len(new)
        self._look_for_canaries(entries)
        self._names.add(entries, is_new)
        return new

    def remove(self, entries: Sequence[Entry]) -> None:
        """Count what a change takes away."""
        self._removed += len(entries)
        self._names.remove(entries)
        self._taken.update(self._canaries.intersection(map(_identity, entries)))

    def _look_for_canaries(self, entries: Sequence[Entry]) -> None:
        if self._missing:
            keys = {each[1] for each in self._missing}
            if not keys.isdisjoint([entry[1] for entry in entries]):
                self._missing.difference_update(_identity(each) for each in entries if each[1] in keys)

    def report(self, entries: int) -> GuardReport:
        """What every guard says; `entries` is the number of distinct ones that the version has."""
        added, removed = self._difference(entries)
        added_lately, removed_lately = churn.lately(self._history, self._now, self._wanted.interval_s)
        pages, covered_pages = self._names.conflicts.count()
        busy_domains, busiest_domain = self._names.per_domain(self._wanted.max_per_domain)
        counts = {kind.value: count for kind, count in self._kinds.items()}
        seen = Seen(
            lines=self._lines,
            bad_lines=self._bad_lines,
            addresses=self._addresses,
            first_errors=tuple(self._first_errors),
            read=self._read,
            entries=entries,
            in_force=self._in_force,
            added=added,
            removed=removed,
            is_change=self._is_change,
            kinds=counts,
            busy_domains=busy_domains,
            busiest_domain=busiest_domain,
            suffixes=self._names.suffixes,
            never_block=self._names.never_blocked,
            canaries=len(self._canaries) + self._no_canaries,
            missing_canaries=self._missing_canaries() + self._no_canaries,
            pages=pages,
            covered_pages=covered_pages,
            history=self._history,
            idle_gaps=churn.idle_gaps(self._history, self._first_seen, self._wanted.interval_s),
            added_lately=added_lately,
            removed_lately=removed_lately,
        )
        found = ((name, guard(seen, self._wanted)) for name, guard in GUARDS.items())
        return GuardReport(
            list_id=self._wanted.id,
            lines=seen.lines,
            bad_lines=seen.bad_lines,
            addresses=seen.addresses,
            entries=entries,
            in_force=seen.in_force,
            added=added,
            removed=removed,
            kinds=counts,
            classes=self._names.classes(),
            findings=tuple(Finding(name, reason) for name, reason in found if reason is not None),
            first_errors=size.shown(seen.first_errors, seen.bad_lines),
        )

    def domain_counts(self) -> bytes:
        """What the next change of the list is counted upon. Keep it sealed: guesses can be tested with it."""
        return self._names.counts()

    def _difference(self, entries: int) -> tuple[int, int]:
        """(added, removed) in distinct entries."""
        if self._is_change:
            return self._new, self._removed
        if self._in_force is None:
            return entries, 0
        if self._holds is None:
            return max(0, entries - self._in_force), max(0, self._in_force - entries)
        added = self._new if self._read == entries else _distinct(self._new_hashes)
        return added, max(0, self._in_force - (entries - added))

    def _missing_canaries(self) -> int:
        """A change need not bring those that are there already, unless it takes them away."""
        if not (self._is_change and self._holds is not None and self._missing):
            return len(self._missing)
        missing = list(self._missing)
        held = self._holds(
            [Entry(kind, key, 0, only_below, any_query) for kind, key, only_below, any_query in missing]
        )
        return sum(each in self._taken or not there for each, there in zip(missing, held, strict=True))


_Identity = tuple[Kind, str, bool, bool]


def _identity(entry: Entry) -> _Identity:
    """An entry without its spelling: two spellings of one page are one entry."""
    return entry[0], entry[1], entry[3], entry[4]


def _distinct(hashes: "array[int]") -> int:
    """How many different ones; by parts, because a set of all would take the memory of a list."""
    return sum(len({value for value in hashes if value % _PARTITIONS == part}) for part in range(_PARTITIONS))
