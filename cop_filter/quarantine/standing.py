"""What a quarantined version waits for: its approvals, weighed by the configuration in force."""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cop_filter import approval
from cop_filter.config import Config, ListConfig
from cop_filter.decision import Decision
from cop_filter.errors import QuarantineRefused, StateError
from cop_filter.quarantine import coded
from cop_filter.quarantine.item import Item
from cop_filter.quarantine.shelf import Shelf
from cop_filter.store import Store

State = Literal["waiting", "released", "rejected", "superseded", "unreadable"]
"""waiting: for approvals. superseded: it or another version went live since, or was taken back. unreadable:
changed, or the key is."""
_ACCOUNT = "quarantine-account"


@dataclass(frozen=True, slots=True)
class Standing:
    """An item, what it waits for, and who has approved it.

    `item` is None when it is unreadable, and `fault` says why.
    """

    id: str
    state: State
    item: Item | None = None
    approved_by: tuple[str, ...] = ()
    needed: int = 1
    fault: str | None = None


class Standings:
    """How the versions on a shelf stand. Raises StateError throughout."""

    def __init__(self, shelf: Shelf, store: Store, config: Config, keys: Sequence[bytes]) -> None:
        self._shelf = shelf
        self._store = store
        self._lists = {one.id: one for one in config.lists}
        self._keys = keys

    def of(self, item_id: str) -> Standing:
        """One version. Raises QuarantineRefused when there is none of this id."""
        try:
            item = self._shelf.item(item_id)
        except StateError as error:
            return Standing(item_id, "unreadable", fault=str(error))
        wanted = self._lists.get(item.list_id)
        needed = 1 if wanted is None else max(1, wanted.approvals)
        if item.rejected_at is not None:
            return Standing(item_id, "rejected", item, needed=needed)
        names, enough = ((), False) if wanted is None else self._approved(item, wanted, self.shown_at(item))
        over = item.at <= max(self.over_since(item), self.live_at(item.list_id))
        state: State = "released" if enough else "superseded" if over else "waiting"
        return Standing(item_id, state, item, names, needed)

    def all(self) -> list[Standing]:
        """All versions, by list and age; those that cannot be read first."""
        found: list[Standing] = []
        for item_id in self._shelf.ids():
            with contextlib.suppress(QuarantineRefused):  # removed since we looked
                found.append(self.of(item_id))
        return sorted(
            found, key=lambda one: ("", 0.0) if one.item is None else (one.item.list_id, one.item.at)
        )

    def of_list(self, list_id: str) -> list[Standing]:
        """Those of one list that can be read, oldest first."""
        found = [self.of(item.id) for item in self.items_of(list_id)]
        return [one for one in found if one.item is not None]

    def items_of(self, list_id: str) -> list[Item]:
        """The versions of one list that can be read, oldest first."""
        found: list[Item] = []
        for item_id in self._shelf.ids():
            with contextlib.suppress(StateError, QuarantineRefused):
                found.append(self._shelf.item(item_id))
        return sorted((one for one in found if one.list_id == list_id), key=lambda one: one.at)

    def shown_at(self, item: Item) -> float:
        """Decisions up to then (Unix seconds) are not about what is there now."""
        # Who approved it before its report was written anew has not seen what is found now.
        return max(self.over_since(item), math.nextafter(item.at, -math.inf))

    def over_since(self, item: Item) -> float:
        """When approvals were over last: another version went live, or this one was taken back."""
        taken_back = (
            one.at for one in self._store.setbacks() if one.digests.get(item.list_id) == item.digest
        )
        return max(self.live_at(item.list_id, but=item.digest), *taken_back, 0.0)

    def live_at(self, list_id: str, *, but: str | None = None) -> float:
        """When a version of a list last went live, of all that the generations on disk tell.

        `but` is the digest of one that does not count.
        """
        latest = 0.0
        for number in self._store.numbers():
            try:
                lists = self._store.manifest(number).lists
            except StateError:
                continue  # damaged: it tells nothing
            for one in lists:
                if one.policy.id == list_id and one.digest != but:
                    latest = max(latest, one.published_at or 0.0)
        return latest

    def account_approval(self, item: Item, account: str, at: int) -> bytes:
        """What stands for a signature where a list has no approvers: that somebody has this state folder."""
        said = Decision("approve", item.version_shown, account, at).said()
        return coded.write(said, self._keys[0], _ACCOUNT)

    def _approved(self, item: Item, wanted: ListConfig, since: float) -> tuple[tuple[str, ...], bool]:
        documents = self._shelf.approvals(item.id)
        if wanted.approvers:
            people = approval.approvers(documents, wanted, item.version_shown, since)
            return tuple(person.name for person in people), approval.enough(people, wanted)
        found = [self._account(one, item, since) for one in documents]
        names = tuple(name for name in found if name is not None)
        return names, bool(names)

    def _account(self, document: bytes, item: Item, since: float) -> str | None:
        try:
            said = coded.with_any(self._keys, lambda key: coded.read(document, key, _ACCOUNT))
        except StateError:
            return None
        return approval.account(said, item.version_shown, since)
