"""The over-block self-test: each new entry must stop its own spellings, and nothing beside them.

It runs on the compiled index before that is published, so that a mistake in reading, compiling or matching
is found by what it would do: one archived page must not take its archive with it (Wayback Machine 2009), nor
one article an encyclopedia (Wikipedia 2008). A probe that another entry stops is that entry's matter: who
matched is told by the opaque references of the index.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import compress, islice
from random import Random, SystemRandom
from string import ascii_lowercase, digits

from cop_filter.engine import Engine
from cop_filter.entries import Entry
from cop_filter.guards.names import is_address
from cop_filter.guards.probes import ADDRESS_PROBES, PROBES, Probe, first_own_word, host_of, record_kind
from cop_filter.guards.report import Finding
from cop_filter.guards.seen import counted
from cop_filter.guards.suffixes import ancestors
from cop_filter.index import Codes, RecordKind, as_tuple, code, read_code
from cop_filter.verdict import Action, Plane, Query

log = logging.getLogger(__name__)

_TOGETHER = 8192
_OF_A_LABEL = ascii_lowercase + digits
_LABEL_CHARS = 16
_HOST_LEVEL = frozenset({RecordKind.DOMAIN, RecordKind.BELOW, RecordKind.HOST})
_PAGE_LEVEL = frozenset({RecordKind.URL, RecordKind.URL_ANY_QUERY, RecordKind.PREFIX, RecordKind.PATTERN})

_MISSED, _STOPPED, _PROTECTED = 0, 1, 2


def prove(
    engine: Engine,
    list_id: str,
    entries: Iterable[Entry],
    *,
    before: Engine | None = None,
    rng: Random | None = None,
) -> tuple[Finding, ...]:
    """Ask an engine, made from the generation that is to be published, about each new entry of a list.

    With `before`, the engine of the generation that this one follows, also a host that the list began to
    block whole is found, where no entry says so; then `entries` must be all that is new. What is exempt
    or never to be blocked stays allowed, and is no finding. ValueError: the generation lacks the list.
    """
    proof = _Proof(engine, list_id, before, rng or SystemRandom())
    left = iter(entries)
    while some := list(islice(left, _TOGETHER)):
        proof.add(some)
    return proof.findings()


class _Proof:
    def __init__(self, engine: Engine, list_id: str, before: Engine | None, rng: Random) -> None:
        self._engine = engine
        self._list_id = list_id
        self._rng = rng
        self._number = [policy.id for policy in engine.policy.lists].index(list_id)
        self._policy = engine.policy.lists[self._number]
        self._stops = {Action.BLOCK} | ({Action.OBSERVE} if self._policy.mode == "observe" else set())
        self._before = before
        self._entries = 0
        self._missed: Counter[str] = Counter()
        self._beside: Counter[str] = Counter()
        self._protected = 0
        self._whole_hosts: set[str] = set()
        """Hosts of new pages that the list blocks whole, now that it is compiled."""
        self._covers: dict[RecordKind, set[str]] = {kind: set() for kind in _HOST_LEVEL}
        self._everyone = {plane for plane in self._policy.planes if self._holds_for_everyone(plane)}

    def _holds_for_everyone(self, plane: Plane) -> bool:
        """Whether the list, by itself, acts on a plane for clients without a profile."""
        verdict = self._engine.decide_codes(code(self._number, RecordKind.HOST, folded=False), plane)
        return verdict is not None and verdict.list_id == self._list_id

    def add(self, entries: Sequence[Entry]) -> None:
        """Prove some entries, together."""
        self._entries += len(entries)
        label = "".join(self._rng.choices(_OF_A_LABEL, k=_LABEL_CHARS))
        groups: defaultdict[tuple[RecordKind, bool], list[str]] = defaultdict(list)
        for entry in entries:
            kind, key = record_kind(entry), entry[1]
            groups[kind, kind is RecordKind.HOST and is_address(key)].append(key)
        for (kind, address), keys in groups.items():
            if kind in _HOST_LEVEL and self._before is not None:
                self._covers[kind].update(keys)
            for probe in ADDRESS_PROBES if address else PROBES[kind]:
                self._ask(kind, keys, probe, label)
            if kind in _PAGE_LEVEL and self._before is not None:
                self._ask_for_hosts(keys)

    def _ask(self, kind: RecordKind, keys: Sequence[str], probe: Probe, label: str) -> None:
        make = probe.word
        words = [make(key, label) for key in keys]
        if kind in (RecordKind.PATTERN, RecordKind.KEYWORD):
            self._ask_automaton(kind, keys, words, probe, label)
            return
        # No decision depends on the spelling that was asked for: it is only told.
        match = self._engine.index.which_hosts if probe.asked_as == "host" else self._engine.index.which_urls
        if probe.own:
            plane = Plane.DNS if probe.asked_as == "host" else Plane.HTTP
            found = match(words, lambda codes: self._own(kind, plane, codes))
            self._missed[probe.name] += found.count(_MISSED)
            self._protected += found.count(_PROTECTED)
            return
        suspects = match(words, lambda codes: not isinstance(codes, str) and self._has(codes, (kind,)))
        for key, word in compress(zip(keys, words, strict=True), suspects):
            asked_as, own_word = first_own_word(kind, key, label)
            own = self._references(kind, asked_as, own_word)[:1]
            self._beside[probe.name] += bool(own) and own[0] in self._references(kind, probe.asked_as, word)

    def _own(self, kind: RecordKind, plane: Plane, codes: Codes | str | None) -> int:
        if isinstance(codes, str):
            return _STOPPED  # no name, or URL, at all: nobody can ask for it
        if not self._has(codes, (kind,)):
            return _MISSED
        if plane not in self._everyone or codes is None:
            return _STOPPED
        verdict = self._engine.decide_codes(codes, plane)
        if verdict is not None and verdict.action in self._stops:
            return _STOPPED
        policies = self._engine.policy.lists
        allowing = any(policies[read_code(each)[0]].mode in ("exempt", "protect") for each in as_tuple(codes))
        return _PROTECTED if allowing else _MISSED

    def _has(self, codes: Codes | None, kinds: Iterable[RecordKind]) -> bool:
        return any(
            number == self._number and kind in kinds for number, kind, _ in map(read_code, as_tuple(codes))
        )

    def _references(self, kind: RecordKind, asked_as: str, word: str) -> list[int]:
        """Of this list's records of this kind that apply to a word, the most specific first."""
        index = self._engine.index
        evidence = index.explain_host(word) if asked_as == "host" else index.explain_url(word)
        return [reference for value, reference in evidence if self._has(value, (kind,))]

    def _ask_automaton(
        self, kind: RecordKind, keys: Sequence[str], words: Sequence[str], probe: Probe, label: str
    ) -> None:
        """Patterns and keywords are not in the index; where something else decides, it hides them."""
        if Plane.HTTP not in self._everyone:
            return
        for key, word in zip(keys, words, strict=True):
            verdict = self._engine.decide_url(word)
            ours = (
                verdict.list_id == self._list_id
                and verdict.kind is not None
                and verdict.kind.name == kind.name
            )
            if probe.own:
                self._missed[probe.name] += verdict.list_id is None
                self._protected += verdict.action is Action.ALLOW and verdict.list_id is not None
            elif ours:
                _, own_word = first_own_word(kind, key, label)
                references = [
                    self._engine.explain(Query(Plane.HTTP, "", each)).reference for each in (own_word, word)
                ]
                self._beside[probe.name] += references[0] == references[1]

    def _ask_for_hosts(self, keys: Sequence[str]) -> None:
        """A page never blocks its host, on no plane."""
        hosts = [host_of(key) for key in keys]
        found = self._engine.index.which_hosts(
            hosts, lambda codes: not isinstance(codes, str) and self._has(codes, _HOST_LEVEL)
        )
        self._whole_hosts.update(compress(hosts, found))

    def findings(self) -> tuple[Finding, ...]:
        """What was found, in words with counts."""
        if self._before is not None and (unasked := self._unasked(self._before)):
            self._beside["the whole host of a page"] += unasked
        if self._protected:
            log.info("list %s: probes of new entries stay allowed, being exempt or protected: %d",
                     self._list_id, self._protected)  # fmt: skip
        found = (
            ("spellings", "are not stopped in all their spellings", +self._missed),
            ("overblock", "also stop what they do not list", +self._beside),
        )
        return tuple(
            Finding(
                guard,
                f"of {counted(self._entries, 'new entry', 'new entries')}, some {what}: {_words(counts)}",
            )
            for guard, what, counts in found
            if counts
        )

    def _unasked(self, before: Engine) -> int:
        """Hosts of new pages that this list blocks whole, and did not before, and no new entry says so."""
        numbers = {number for number, policy in enumerate(before.policy.lists) if policy.id == self._list_id}
        below = self._covers[RecordKind.DOMAIN] | self._covers[RecordKind.BELOW]
        itself = self._covers[RecordKind.DOMAIN] | self._covers[RecordKind.HOST]
        count = 0
        for host in self._whole_hosts:
            held = any(
                number in numbers and kind in _HOST_LEVEL
                for number, kind, _ in map(read_code, as_tuple(before.index.match_host(host)))
            )
            count += not (held or host in itself or any(up in below for up in ancestors(host)))
        return count


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items())
