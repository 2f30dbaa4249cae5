"""What is done with quarantined versions: kept, shown, approved, rejected, and asked about."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cop_filter.audit import Audit
from cop_filter.config import Config, ListConfig
from cop_filter.decision import Verb
from cop_filter.errors import QuarantineRefused, StateError
from cop_filter.quarantine.body import Body
from cop_filter.quarantine.hearing import Hearing, Proof
from cop_filter.quarantine.item import Item
from cop_filter.quarantine.shelf import Shelf
from cop_filter.quarantine.standing import Standing, Standings
from cop_filter.store import Store

if TYPE_CHECKING:
    from cop_filter.guards import GuardReport

KEPT = 5
"""Undecided versions of one list."""
KEPT_REPORTS = 20
"""Reports of rejected versions of one list."""
_DROPPED_FIRST = ("superseded", "waiting", "released")


class Quarantine:
    """The quarantine of a state folder. What approvals are worth, `config` says; `clock` gives Unix time.

    Raises StateError throughout when the state folder cannot be read or written.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        *,
        audit: Audit | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        # What was kept before a rotation of the keys is under an older one.
        keys = [each.quarantine for each in dict.fromkeys((store.keys(), *store.all_keys()))]
        self._lists = {one.id: one for one in config.lists}
        self._audit = audit if audit is not None else Audit(config, clock=clock)
        self._clock = clock
        self._shelf = Shelf(store.root / "quarantine", keys)
        self._standings = Standings(self._shelf, store, config, keys)
        self._hearing = Hearing(self._standings, config, clock)

    # ------------------------------------------------------------ for the refresh

    def keep(
        self,
        wanted: ListConfig,
        report: "GuardReport",
        digest: str,
        raw: Mapping[str, bytes],
        removed: bytes = b"",
        *,
        version: int | None = None,
    ) -> str:
        """Keep a version that a guard refused; its id, which is the older one's if it is here already.

        `version` is the authority's number of it. What cannot be kept is refused all the same.
        """
        fields = report.as_fields()
        with self._shelf.changing():
            here = self._standings.of_list(wanted.id)
            for one in here:
                if one.item is not None and one.item.digest == digest:
                    # It came again, and its report compares it with another version, or says less.
                    told = set(_guards(fields)) <= set(_guards(one.item.report))
                    if one.state == "superseded" or (one.state != "rejected" and not told):
                        self._shelf.change(replace(one.item, at=self._clock(), report=fields))
                    return one.id
            item = Item(self._new_id(), wanted.id, digest, self._clock(), version, fields)
            self._shelf.put(item, Body(raw, removed))
            self._make_room(here)
        self._audit.note("list_quarantined", **self._facts(item), version=version)
        return item.id

    def released(self, list_id: str, digest: str, guards: Collection[str] = ()) -> bool:
        """Whether enough of today's approvers say that this very version may pass these guards.

        So until another version of the list has gone live, or this one was taken back by itself. Guards
        that its report did not tell of when it was approved are not passed.
        """
        return any(
            one.state == "released"
            and one.item is not None
            and one.item.digest == digest
            and set(guards).issubset(_guards(one.item.report))
            for one in self._standings.of_list(list_id)
        )

    def rejected_by(self, list_id: str, digest: str) -> str | None:
        """Who has rejected this very version; None: nobody, or the report of it is not kept any more."""
        items = self._standings.items_of(list_id)
        return next((one.rejected_by for one in items if one.digest == digest and one.rejected_by), None)

    def refused_since(self, list_id: str) -> float | None:
        """When the first of the versions came (Unix seconds) that were refused since one went live."""
        live_at = self._standings.live_at(list_id)
        return min((one.at for one in self._standings.items_of(list_id) if one.at > live_at), default=None)

    # ------------------------------------------------------------ for people

    def items(self) -> tuple[Standing, ...]:
        """All that is here and how it stands, by list and age."""
        return tuple(self._standings.all())

    def standing(self, item_id: str) -> Standing:
        """One version and how it stands. Raises QuarantineRefused when there is none."""
        return self._standings.of(item_id)

    def item(self, item_id: str) -> Item:
        """One version. Raises QuarantineRefused when there is none, and StateError when it was changed."""
        return self._shelf.item(item_id)

    def body(self, item_id: str) -> Body:
        """The list itself. Raises as `item`."""
        return self._shelf.body(item_id)

    def statement(self, item_id: str, verb: Verb, name: str) -> bytes:
        """What somebody of that name signs, here or elsewhere, to decide so about a version.

        Raises QuarantineRefused, StateError.
        """
        item = self._shelf.item(item_id)
        _refuse_rejected(item)
        return self._hearing.statement(item, verb, name).unsigned()

    def approve(self, item_id: str, proof: Proof, account: str) -> Standing:
        """Approve a version as the person who shows this; as `account` where the list has no approvers.

        Audited first. Raises QuarantineRefused, StateError, AuditBroken, SignatureRefused.
        """
        with self._shelf.changing():
            item = self._shelf.item(item_id)
            wanted = self._lists.get(item.list_id)
            _refuse_rejected(item)
            before = self._standings.of(item_id)
            if wanted is None or wanted.approvers or isinstance(proof, bytes):
                person, document = self._hearing.person(item, "approve", proof)
                self._audit.record("quarantine_approved", **self._facts(item), by=person.name)
                self._shelf.approve(item_id, person.key.id, document)
            else:
                self._audit.record("quarantine_approved", **self._facts(item), account=account)
                document = self._standings.account_approval(item, account, self._hearing.earliest(item))
                self._shelf.approve(item_id, "account", document)
            after = self._standings.of(item_id)
            if after.state == "released" != before.state:
                self._audit.record(
                    "quarantine_released", **self._facts(item), approvals=len(after.approved_by)
                )
        return after

    def reject(self, item_id: str, proof: Proof, account: str) -> None:
        """Remove a version's list and approvals, and keep its report. Audited first. Raises as `approve`.

        Of one that cannot be read nothing is kept.
        """
        with self._shelf.changing():
            try:
                item = self._shelf.item(item_id)
            except StateError:
                self._audit.record("quarantine_rejected", item=item_id, account=account)
                self._shelf.remove(item_id)
                return
            if proof is None:
                by, facts = account, {"account": account}
            else:
                by = self._hearing.person(item, "reject", proof).person.name
                facts = {"by": by}
            self._audit.record("quarantine_rejected", **self._facts(item), **facts)
            self._shelf.change(replace(item, rejected_at=self._clock(), rejected_by=by))
            self._shelf.empty(item_id)

    def reveal(self, item_id: str, proof: Proof) -> Body:
        """The list itself, for who has the right; on record before this returns. Raises as `approve`."""
        item = self._shelf.item(item_id)
        person = self._hearing.person(item, "reveal", proof).person
        self._audit.record("entries_revealed", **self._facts(item), by=person.name)
        return self._shelf.body(item_id)

    # ------------------------------------------------------------ inside

    def _facts(self, item: Item) -> dict[str, str | None]:
        # The audit log takes ids of lists that are configured: any other could be an entry.
        named = item.list_id if item.list_id in self._lists else None
        return {"list": named, "item": item.id, "digest": item.digest}

    def _make_room(self, here: list[Standing]) -> None:
        rejected = [one for one in here if one.state == "rejected"]
        undecided = [one for one in here if one.state in _DROPPED_FIRST]
        undecided.sort(key=lambda one: _DROPPED_FIRST.index(one.state))
        for one in undecided[: max(0, len(undecided) + 1 - KEPT)]:
            if one.item is not None:
                self._audit.note("quarantine_dropped", **self._facts(one.item))
            self._shelf.remove(one.id)
        for one in rejected[: max(0, len(rejected) - KEPT_REPORTS)]:
            self._shelf.remove(one.id)

    def _new_id(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y%m%d}-{os.urandom(4).hex()}"


def _guards(report: Mapping[str, Any]) -> Iterator[str]:
    return (finding["guard"] for finding in report.get("findings", ()))


def _refuse_rejected(item: Item) -> None:
    if item.rejected_by is not None:
        raise QuarantineRefused(f"this version was rejected by {item.rejected_by}")
