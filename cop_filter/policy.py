"""What a match means: lists and exemptions to planes and actions. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Literal, NamedTuple

from cop_filter.index import ENTRY_KIND, RecordKind, read_code
from cop_filter.verdict import (
    Action,
    Answer,
    Kind,
    LegalBasis,
    Plane,
    Spelling,
    Verdict,
    is_confidential,
)

Mode = Literal["enforce", "observe", "exempt", "protect"]


@dataclass(frozen=True, slots=True)
class ListPolicy:
    """How one list is enforced. Its number is its place among all lists of the generation.

    Mode `exempt` makes what it holds allowed, until `until` (seconds since the epoch; None: always).
    Mode `protect` is for the hosts that the filter itself needs: no list can block or steer them as
    hosts, nor a URL that is protected itself; other pages on them are blocked like any other.
    """

    id: str
    authority: str
    category: str
    legal_basis: LegalBasis
    planes: tuple[Plane, ...]
    answer: Answer = Answer.SPLASH
    on_failure: Literal["closed", "open"] = "closed"
    mode: Mode = "enforce"
    until: float | None = None

    @property
    def confidential(self) -> bool:
        """Whether its entries are a secret."""
        return is_confidential(self.id, self.legal_basis)

    def in_force(self, now: float) -> bool:
        """Whether it has not expired."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class ProfilePolicy:
    """The lists that hold for the clients of a profile. What any profile names holds for nobody else."""

    id: str
    lists: tuple[str, ...]


class Policy:
    """The rules of one generation. Immutable.

    A `profile` is given by its id. One that this generation does not know counts as None, which is
    everyone else: what no profile names holds for them too.
    """

    def __init__(
        self,
        lists: Sequence[ListPolicy],
        *,
        steering: bool,
        generation: int,
        profiles: Sequence[ProfilePolicy] = (),
    ) -> None:
        self.lists = tuple(lists)
        self.steering = steering
        self.generation = generation
        self.allow = Verdict(Action.ALLOW, generation)
        # Sets of lists, one bit for each list number.
        chosen = {profile.id: self._bits(profile.lists) for profile in profiles}
        optional = reduce(or_, chosen.values(), 0)
        self._everyone = ~optional
        self._profiles = {profile: ~optional | bits for profile, bits in chosen.items()}

    def _bits(self, ids: Collection[str]) -> int:
        return sum(1 << number for number, policy in enumerate(self.lists) if policy.id in ids)

    def _holding(self, profile: str | None) -> int:
        return self._everyone if profile is None else self._profiles.get(profile, self._everyone)

    def resolve(
        self, codes: Sequence[int], plane: Plane, now: float, profile: str | None = None
    ) -> tuple[int | None, Verdict]:
        """The verdict for matches given most specific first, and the place of the deciding one (or None).

        Lists that do not hold for the profile are as if they were not there.
        1. An exemption in force allows; a protected host is never blocked as a host.
        2. An enforced list outranks one that only observes, an authority's list a subscriber's;
           then the most specific entry decides, then the order of the lists.
        3. On DNS a host with URL entries is steered to the proxy stage, if there is one.
        """
        holding = self._holding(profile)
        matches = [_Match(place, self.lists[number], kind, folded)
                   for place, (number, kind, folded) in enumerate(map(read_code, codes))
                   if holding >> number & 1]  # fmt: skip
        entries = [match for match in matches if match.is_entry and plane in match.policy.planes]
        protecting = [match for match in entries if match.policy.mode == "protect"]
        for match in entries:
            exempt = match.policy.mode == "exempt" and match.policy.in_force(now)
            if exempt or (match in protecting and not match.is_host_level):
                return self._answer(Action.ALLOW, match)
        listed = [
            match
            for match in entries
            if match.policy.mode in ("enforce", "observe") and not (protecting and match.is_host_level)
        ]
        steering = [match for match in matches if self._steers(match, plane) and not protecting]
        decisive = min(listed, key=_rank, default=None)
        if decisive is not None and decisive.policy.mode == "enforce":
            return self._answer(Action.BLOCK, decisive)
        if steering:
            return self._answer(Action.STEER, steering[0])
        if decisive is not None:
            return self._answer(Action.OBSERVE, decisive)
        return self._answer(Action.ALLOW, protecting[0]) if protecting else (None, self.allow)

    def _steers(self, match: "_Match", plane: Plane) -> bool:
        return (
            match.kind is RecordKind.PAGES
            and plane is Plane.DNS
            and self.steering
            and match.policy.mode == "enforce"
            and Plane.HTTP in match.policy.planes
        )

    def inspects(self, codes: Sequence[int], now: float, profile: str | None = None) -> bool:
        """Whether a host with these matches has URL entries that the http plane acts upon.

        A host that is exempt is left alone: nothing that is seen of it could be blocked.
        """
        found = False
        holding = self._holding(profile)
        for number, kind, _ in map(read_code, codes):
            policy = self.lists[number]
            if Plane.HTTP not in policy.planes or kind is RecordKind.PATTERNS or not holding >> number & 1:
                continue
            if policy.mode in ("enforce", "observe"):
                found |= kind is RecordKind.PAGES
            elif policy.mode == "exempt" and kind is not RecordKind.PAGES and policy.in_force(now):
                return False
        return found

    def confidential_pages(self, codes: Sequence[int], profile: str | None = None) -> int | None:
        """The place of the first match that says that a confidential list has pages of a host which the http
        plane acts upon: whoever sees the host inspected learns that."""
        holding = self._holding(profile)
        for place, (number, kind, _) in enumerate(map(read_code, codes)):
            policy = self.lists[number]
            acts = Plane.HTTP in policy.planes and policy.mode in ("enforce", "observe")
            if kind is RecordKind.PAGES and acts and holding >> number & 1 and policy.confidential:
                return place
        return None

    @property
    def protecting(self) -> tuple[int, ...]:
        """The numbers of the lists that protect."""
        return tuple(number for number, policy in enumerate(self.lists) if policy.mode == "protect")

    def on_fault(self, plane: Plane, profile: str | None = None) -> Verdict:
        """What holds when deciding itself fails: the first enforced list that is declared closed."""
        holding = self._holding(profile)
        for number, policy in enumerate(self.lists):
            closed = policy.mode == "enforce" and policy.on_failure == "closed"
            if closed and plane in policy.planes and holding >> number & 1:
                return self._verdict(Action.BLOCK, policy)
        return self.allow

    def _answer(self, action: Action, match: "_Match") -> tuple[int, Verdict]:
        spelling = Spelling.FOLDED if match.folded else Spelling.EXACT
        return match.place, self._verdict(action, match.policy, ENTRY_KIND[match.kind], spelling)

    def _verdict(
        self, action: Action, policy: ListPolicy, kind: Kind | None = None, spelling: Spelling | None = None
    ) -> Verdict:
        return Verdict(
            action,
            self.generation,
            policy.id,
            policy.authority,
            policy.category,
            policy.legal_basis,
            policy.answer,
            kind,
            spelling,
        )


class _Match(NamedTuple):
    """One record that applies to a question; `place` 0 is the most specific."""

    place: int
    policy: ListPolicy
    kind: RecordKind
    folded: bool

    @property
    def is_entry(self) -> bool:
        return self.kind not in (RecordKind.PAGES, RecordKind.PATTERNS)

    @property
    def is_host_level(self) -> bool:
        return self.kind in (RecordKind.DOMAIN, RecordKind.BELOW, RecordKind.HOST)


def _rank(match: _Match) -> tuple[bool, bool, int]:
    return match.policy.mode == "observe", match.policy.legal_basis is LegalBasis.SUBSCRIBER, match.place
