"""What a match means: lists and exemptions to planes and actions. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cop_filter.index import ENTRY_KIND, RecordKind, read_code
from cop_filter.verdict import Action, Answer, LegalBasis, Plane, Spelling, Verdict

Mode = Literal["enforce", "observe", "exempt"]


@dataclass(frozen=True, slots=True)
class ListPolicy:
    """How one list is enforced. Its number is its place among all lists of the generation.

    Mode `exempt` makes what it holds allowed, until `until` (seconds since the epoch; None: always):
    the operator's exemptions and the hosts that the filter itself needs.
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

    def in_force(self, now: float) -> bool:
        """Whether it has not expired."""
        return self.until is None or now < self.until


class Policy:
    """The rules of one generation. Immutable."""

    def __init__(self, lists: Sequence[ListPolicy], *, steering: bool, generation: int) -> None:
        self.lists = tuple(lists)
        self.steering = steering
        self.generation = generation
        self.allow = Verdict(Action.ALLOW, generation)

    def resolve(self, codes: Sequence[int], plane: Plane, now: float) -> tuple[int | None, Verdict]:
        """The verdict for matches given most specific first, and the place of the deciding one (or None).

        1. An exemption in force allows.
        2. An enforced list outranks one that only observes, an authority's list a subscriber's;
           then the most specific entry decides, then the order of the lists.
        3. On DNS a host with URL entries is steered to the proxy stage, if there is one.
        """
        ranked = []
        steered = None
        for place, (number, kind, folded) in enumerate(map(read_code, codes)):
            policy = self.lists[number]
            if kind is RecordKind.PATTERNS:
                continue
            if kind is RecordKind.PAGES:
                if steered is None and self._steers(policy, plane):
                    steered = place, self._verdict(Action.STEER, policy, kind, folded=folded)
                continue
            if policy.mode == "exempt":
                if plane in policy.planes and policy.in_force(now):
                    return place, self._verdict(Action.ALLOW, policy, kind, folded=folded)
                continue
            if plane in policy.planes:
                action = Action.BLOCK if policy.mode == "enforce" else Action.OBSERVE
                rank = (
                    action is Action.OBSERVE,
                    policy.legal_basis is LegalBasis.SUBSCRIBER,
                    place,
                )
                ranked.append((rank, place, self._verdict(action, policy, kind, folded=folded)))
        ranked.sort(key=lambda candidate: candidate[0])
        if ranked and (steered is None or ranked[0][2].action is Action.BLOCK):
            return ranked[0][1:]
        if steered is not None:
            return steered
        return None, self.allow

    def _steers(self, policy: ListPolicy, plane: Plane) -> bool:
        return (
            plane is Plane.DNS and self.steering and policy.mode == "enforce" and Plane.HTTP in policy.planes
        )

    def inspects(self, codes: Sequence[int], now: float) -> bool:
        """Whether a host with these matches has URL entries that the http plane acts upon.

        A host that is exempt is left alone: nothing that is seen of it could be blocked.
        """
        found = False
        for number, kind, _ in map(read_code, codes):
            policy = self.lists[number]
            if Plane.HTTP not in policy.planes or kind is RecordKind.PATTERNS:
                continue
            if policy.mode != "exempt":
                found |= kind is RecordKind.PAGES
            elif kind is not RecordKind.PAGES and policy.in_force(now):
                return False
        return found

    def on_fault(self, plane: Plane) -> Verdict:
        """What holds when deciding itself fails: the first enforced list that is declared closed."""
        for policy in self.lists:
            if policy.mode == "enforce" and plane in policy.planes and policy.on_failure == "closed":
                return self._verdict(Action.BLOCK, policy, None, folded=False)
        return self.allow

    def _verdict(
        self, action: Action, policy: ListPolicy, kind: RecordKind | None, *, folded: bool
    ) -> Verdict:
        return Verdict(
            action,
            self.generation,
            policy.id,
            policy.authority,
            policy.category,
            policy.legal_basis,
            policy.answer,
            None if kind is None else ENTRY_KIND[kind],
            None if kind is None else Spelling.FOLDED if folded else Spelling.EXACT,
        )
