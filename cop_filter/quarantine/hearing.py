"""Who may decide about a quarantined version, and what shows it: a key, or what it signed elsewhere."""

import math
from collections.abc import Callable
from typing import NamedTuple

from cop_filter import decision
from cop_filter.config import Config
from cop_filter.decision import Decision, Needed, Verb
from cop_filter.errors import QuarantineRefused
from cop_filter.quarantine.item import Item
from cop_filter.quarantine.standing import Standings
from cop_filter.signing import Person, SigningKey

Proof = SigningKey | bytes | None
"""A key, which signs here; or a statement that was signed elsewhere; or nothing."""

FUTURE_S = 60
"""So much may this machine's clock have been set back since it wrote a statement."""
REVEAL_S = 3600
"""For so long a signed statement shows entries. Approvals need no such end: they are over by what happens."""


class Heard(NamedTuple):
    """Somebody who may decide, and the document that says so."""

    person: Person
    document: bytes


class Hearing:
    """Hears people. `clock` gives Unix time."""

    def __init__(self, standings: Standings, config: Config, clock: Callable[[], float]) -> None:
        self._standings = standings
        self._approvers = {one.id: one.approvers for one in config.lists}
        self._reveal = config.rights.reveal
        self._clock = clock

    def statement(self, item: Item, verb: Verb, name: str) -> Decision:
        """What somebody of that name would sign now. Raises QuarantineRefused."""
        people = self._people(item, verb)
        if name not in {person.name for person in people}:
            raise QuarantineRefused(
                f"--as names nobody who may {_to_do(item, verb)}: {decision.names(people)}"
            )
        return Decision(verb, item.version_shown, name, self.earliest(item))

    def person(self, item: Item, verb: Verb, proof: Proof) -> Heard:
        """Who decides so about an item, by what they show. Raises QuarantineRefused, SignatureRefused."""
        people = self._people(item, verb)
        if proof is None:
            raise QuarantineRefused(
                f"who may {_to_do(item, verb)} is named in the configuration: add --key FILE or --signed FILE"
            )
        document = proof if isinstance(proof, bytes) else self._signed_here(item, verb, proof, people)
        since = self._clock() - REVEAL_S if verb == "reveal" else self._standings.shown_at(item)
        needed = Needed(verb, item.version_shown, since, until=self.earliest(item) + FUTURE_S)
        return Heard(decision.heard(document, people, needed), document)

    def earliest(self, item: Item) -> int:
        """The time to write on a decision of now: after what went live last, and what is decided about.

        So too when the clock was set back since.
        """
        return max(
            math.ceil(self._clock()),
            math.floor(self._standings.over_since(item)) + 1,
            math.ceil(item.at),
        )

    def _signed_here(self, item: Item, verb: Verb, key: SigningKey, people: tuple[Person, ...]) -> bytes:
        for person in people:
            if person.key == key.public:
                return self.statement(item, verb, person.name).signed(key)
        raise QuarantineRefused(
            f"this key is of nobody who may {_to_do(item, verb)}: the configuration names them"
        )

    def _people(self, item: Item, verb: Verb) -> tuple[Person, ...]:
        if verb == "reveal":
            return self._reveal
        if item.list_id not in self._approvers:
            raise QuarantineRefused(f"list {item.list_id} is not configured any more")
        people = self._approvers[item.list_id]
        if not people:
            raise QuarantineRefused(
                f"list {item.list_id} has no approvers: whoever may write state_dir decides, and takes no key"
            )
        return people


def _to_do(item: Item, verb: Verb) -> str:
    if verb == "reveal":
        return "see entries (rights.reveal)"
    return f"{'approve' if verb == 'approve' else 'decide on'} versions of list {item.list_id}"
