"""decide(Query) -> Verdict over one immutable snapshot, which is replaced by one assignment."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cop_filter.errors import InvalidUrl
from cop_filter.index import (
    Codes,
    EmptyIndex,
    Evidence,
    Matcher,
    Protected,
    RecordKind,
    Resolve,
    T,
    as_tuple,
    code,
    protected_hosts,
    read_code,
)
from cop_filter.keywords import Automaton
from cop_filter.names import canonical_url
from cop_filter.policy import Policy
from cop_filter.verdict import Kind, Plane, Query, Verdict

NEVER = float("inf")
MAX_RESOLVED = 4096

_PLANES = {plane.value: plane for plane in Plane}
_AUTOMATON_RECORD = {Kind.PATTERN: RecordKind.PATTERN, Kind.KEYWORD: RecordKind.KEYWORD}
_PAGE_LEVEL = frozenset({RecordKind.URL, RecordKind.URL_ANY_QUERY, RecordKind.PREFIX})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one generation decides with."""

    index: Matcher
    policy: Policy
    automaton: Automaton | None = None


EMPTY = Snapshot(EmptyIndex(), Policy((), steering=False, generation=0))


class Engine:
    """Decides. Thread-safe: a decision reads the snapshot once.

    `on_fault` is told the plane whenever deciding failed, which is a bug; the list's declared fail
    policy then applies. `clock` gives seconds since the epoch, for exemptions that expire.
    Planes are given as `dns`, `tls` or `http`; any other raises KeyError. A `profile` is the id of the
    asking client's; None, and one that the generation does not know, is everyone else.
    """

    def __init__(
        self,
        snapshot: Snapshot = EMPTY,
        *,
        on_fault: Callable[[Plane], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.faults = 0
        self._on_fault = on_fault
        self._clock = clock
        self.swap(snapshot)

    def swap(self, snapshot: Snapshot) -> None:
        """Replace the snapshot. Decisions under way finish on the old one."""
        self._decider = _Decider(snapshot, self._clock)

    @property
    def generation(self) -> int:
        """The generation in force; 0 before the first publish."""
        return self._decider.policy.generation

    @property
    def index(self) -> Matcher:
        """The index in force, for a fast path that repeats what was decided about its matches."""
        return self._decider.index

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self._decider.policy

    @property
    def allow(self) -> Verdict:
        """The verdict on what is not listed."""
        return self._decider.allow

    def holds(self) -> tuple[float, float]:
        """From when to when (Unix seconds) the verdict on given matches stays what it is now.

        It changes with a swap, and where an exemption ends.
        """
        return self._decider.holds()

    def decide(self, query: Query) -> Verdict:
        """The verdict for a query. Raises InvalidUrl when its host or URL has no canonical form."""
        if query.url is None:
            return self.decide_host(query.host, query.plane, query.profile)
        return self.decide_url(query.url, query.plane, query.profile)

    def decide_host(self, name: str | bytes, plane: str = "dns", profile: str | None = None) -> Verdict:
        """The verdict for a host alone. Raises InvalidUrl."""
        decider = self._decider
        return self._answer(decider, decider.match_host, name, _PLANES[plane], profile)

    def decide_codes(self, codes: Codes, plane: str = "dns", profile: str | None = None) -> Verdict | None:
        """The verdict for matches as an index tells them; None when they are not of this generation."""
        decider = self._decider
        if any(read_code(each)[0] >= len(decider.policy.lists) for each in as_tuple(codes)):
            return None
        return self._resolve(decider, codes, _PLANES[plane], profile)

    def deciding_place(self, codes: Codes, plane: str = "dns", profile: str | None = None) -> int | None:
        """Which of the matches decides, as `decide_codes` does: its place among them; None: none of them."""
        policy = self._decider.policy
        return policy.resolve(as_tuple(codes), _PLANES[plane], self._clock(), profile)[0]

    def decide_url(self, url: str | bytes, plane: str = "http", profile: str | None = None) -> Verdict:
        """The verdict for a URL; planes other than http see its host only. Raises InvalidUrl."""
        decider = self._decider
        match = decider.match_url if plane == "http" else decider.match_url_host
        return self._answer(decider, match, url, _PLANES[plane], profile)

    def decide_hosts(
        self, names: Sequence[str], plane: str = "dns", profile: str | None = None
    ) -> list[Verdict | InvalidUrl]:
        """`decide_host` for many; what is invalid stands as its error in its place."""
        decider = self._decider
        return self._answers(decider, decider.match_hosts, names, _PLANES[plane], profile)

    def decide_urls(
        self, urls: Sequence[str], plane: str = "http", profile: str | None = None
    ) -> list[Verdict | InvalidUrl]:
        """`decide_url` for many; what is invalid stands as its error in its place."""
        decider = self._decider
        match = decider.match_urls if plane == "http" else decider.match_url_hosts
        return self._answers(decider, match, urls, _PLANES[plane], profile)

    def inspects(self, host: str | bytes, profile: str | None = None) -> bool:
        """Whether a host has entries at URL level: decrypt it, or steer it to where that is done.

        Raises InvalidUrl. If asking fails, which is a bug, the answer is that of the fail policy.
        """
        decider = self._decider
        try:
            return decider.policy.inspects(as_tuple(decider.match_host(host)), self._clock(), profile)
        except ValueError as reason:
            raise InvalidUrl(str(reason)) from None
        except Exception:  # noqa: BLE001 - whatever a bug raises, the network keeps its filter
            return self._fault(decider, Plane.TLS, profile).stops

    def confidential_pages(self, host: str | bytes, profile: str | None = None) -> int | None:
        """The opaque reference of a host of which a confidential list has pages; None: none has any.

        Raises InvalidUrl.
        """
        decider = self._decider
        try:
            evidence = decider.index.explain_host(host)
        except ValueError as reason:
            raise InvalidUrl(str(reason)) from None
        place = decider.policy.confidential_pages([value for value, _ in evidence], profile)
        return None if place is None else evidence[place][1]

    @property
    def protected(self) -> Protected | None:
        """The hosts that no list can block; None before the first publish."""
        return self._decider.protected

    def protects(self, host: str | bytes) -> bool:
        """Whether no list can block a host, as a host. Nothing else is looked up, whatever is listed."""
        protected = self._decider.protected
        return protected is not None and protected.holds(host)

    @property
    def has_keywords(self) -> bool:
        """Whether a URL may be listed whatever its host."""
        automaton = self._decider.automaton
        return automaton is not None and automaton.has_keywords

    def explain(self, query: Query) -> Verdict:
        """`decide` with the opaque reference of the entry, for people who look into an appeal."""
        verdict = self.decide(query)
        decider = self._decider
        evidence = decider.evidence(query)
        codes = [value for value, _ in evidence]
        place, _ = decider.policy.resolve(codes, query.plane, self._clock(), query.profile)
        return verdict if place is None else verdict._replace(reference=evidence[place][1])

    def _answer(
        self,
        decider: "_Decider",
        match: Callable[[str | bytes], Codes | None],
        word: str | bytes,
        plane: Plane,
        profile: str | None,
    ) -> Verdict:
        try:
            codes = match(word)
        except ValueError as reason:
            raise InvalidUrl(str(reason)) from None
        except Exception:  # noqa: BLE001 - whatever a bug raises, the network keeps its filter
            return self._fault(decider, plane, profile)
        return decider.allow if codes is None else self._resolve(decider, codes, plane, profile)

    def _answers(
        self,
        decider: "_Decider",
        match: Callable[[list[str], Resolve[Verdict | InvalidUrl]], list[Verdict | InvalidUrl]],
        words: Sequence[str],
        plane: Plane,
        profile: str | None,
    ) -> list[Verdict | InvalidUrl]:
        def resolve(codes: Codes | str | None) -> Verdict | InvalidUrl:
            if isinstance(codes, str):
                return InvalidUrl(codes)
            return decider.allow if codes is None else self._resolve(decider, codes, plane, profile)

        try:
            return match(words if isinstance(words, list) else list(words), resolve)
        except Exception:  # noqa: BLE001 - whatever a bug raises, the network keeps its filter
            return [self._fault(decider, plane, profile) for _ in words]

    def _resolve(self, decider: "_Decider", codes: Codes, plane: Plane, profile: str | None) -> Verdict:
        try:
            return decider.verdict(codes, plane, profile)
        except Exception:  # noqa: BLE001 - whatever a bug raises, the network keeps its filter
            return self._fault(decider, plane, profile)

    def _fault(self, decider: "_Decider", plane: Plane, profile: str | None) -> Verdict:
        self.faults += 1
        if self._on_fault is not None:
            self._on_fault(plane)
        return decider.policy.on_fault(plane, profile)


class _Decider:
    """A snapshot with what its decisions have in common worked out once."""

    def __init__(self, snapshot: Snapshot, clock: Callable[[], float]) -> None:
        index = snapshot.index
        self.index = index
        self.policy = snapshot.policy
        self.automaton = snapshot.automaton
        self.allow = snapshot.policy.allow
        # Bound once: most questions are answered by one call and a look at None.
        self.match_host = index.match_host
        self.match_hosts = index.match_hosts
        self.match_url_host = index.match_url_host
        self.match_url = index.match_url if self.automaton is None else self._match_url_and_automaton
        self.match_urls = index.match_urls if self.automaton is None else self._match_urls_and_automaton
        self._clock = clock
        self._resolved: dict[Plane, dict[Codes | tuple[str, Codes], Verdict]] = {plane: {} for plane in Plane}
        self._ends = [policy.until for policy in self.policy.lists if policy.until is not None]
        self._holds = self._span()

    @cached_property
    def protected(self) -> Protected | None:
        """Looked for in the whole index when it is first asked for."""
        return protected_hosts(self.index, self.policy.protecting)

    def _span(self) -> tuple[float, float]:
        """From when to when what is worked out now stays true: between two ends of exemptions.

        Both bounds count: a clock that ran ahead, and is set back, brings an exemption back to life.
        """
        now = self._clock()
        return (
            max((end for end in self._ends if end <= now), default=-NEVER),
            min((end for end in self._ends if end > now), default=NEVER),
        )

    def holds(self) -> tuple[float, float]:
        """The span around now in which verdicts stay; what was worked out for another is forgotten."""
        if self._ends and not self._holds[0] <= self._clock() < self._holds[1]:
            self._resolved = {each: {} for each in Plane}
            self._holds = self._span()
        return self._holds

    def verdict(self, codes: Codes, plane: Plane, profile: str | None) -> Verdict:
        """What the policy says; each distinct answer is worked out once between expiries."""
        self.holds()
        known = self._resolved[plane]
        asked = codes if profile is None else (profile, codes)
        verdict = known.get(asked)
        if verdict is None:
            if len(known) >= MAX_RESOLVED:
                known.clear()
            _, verdict = self.policy.resolve(as_tuple(codes), plane, self._clock(), profile)
            known[asked] = verdict
        return verdict

    def evidence(self, query: Query) -> Evidence:
        """What applies to a query, with references. ValueError: no canonical form."""
        if query.url is None:
            return self.index.explain_host(query.host)
        if query.plane is not Plane.HTTP:
            return self.index.explain_host(canonical_url(query.url).host)
        found = self.index.explain_url(query.url)
        return _in_order(found, self._from_automaton(query.url, tuple(value for value, _ in found)))

    def match_url_hosts(self, urls: list[str], resolve: Resolve[T]) -> list[T]:
        """`match_url_host` for many; planes that see only hosts are seldom asked in bulk."""
        return [resolve(_or_reason(self.match_url_host, url)) for url in urls]

    def _match_urls_and_automaton(self, urls: list[str], resolve: Resolve[T]) -> list[T]:
        return [resolve(_or_reason(self._match_url_and_automaton, url)) for url in urls]

    def _match_url_and_automaton(self, url: str | bytes) -> Codes | None:
        codes = self.index.match_url(url)
        found = self._from_automaton(url, as_tuple(codes))
        if not found:
            return codes
        return tuple(value for value, _ in _in_order([(value, 0) for value in as_tuple(codes)], found))

    def _from_automaton(self, url: str | bytes, codes: tuple[int, ...]) -> Evidence:
        automaton = self.automaton
        if automaton is None:
            return []
        if not automaton.has_keywords and all(
            read_code(each)[1] is not RecordKind.PATTERNS for each in codes
        ):
            return []
        canonical = canonical_url(url)
        return [
            (code(number, _AUTOMATON_RECORD[kind], folded=canonical.tag != 0), reference)
            for number, kind, reference in automaton.find(canonical.key)
        ]


def _in_order(indexed: Evidence, found: Evidence) -> Evidence:
    """Patterns and keywords stand behind pages and prefixes, before whole hosts: the specific first."""
    at = sum(read_code(value)[1] in _PAGE_LEVEL for value, _ in indexed)
    return [*indexed[:at], *found, *indexed[at:]]


def _or_reason(match: Callable[[str], Codes | None], word: str) -> Codes | str | None:
    try:
        return match(word)
    except ValueError as reason:
        return str(reason)
