"""One version of a list on its way: into the draft, past the guards, and proven before it is published."""

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from cop_filter.canaries import ATTACHMENT as CANARIES
from cop_filter.canaries import Gathering, from_bytes, to_bytes
from cop_filter.compiler import Draft
from cop_filter.config import ListConfig
from cop_filter.engine import Engine
from cop_filter.entries import Entry
from cop_filter.errors import ListRefused
from cop_filter.guards import Finding, GuardReport, Review, overblock
from cop_filter.loader import Generation
from cop_filter.memory import no_search_for_cycles
from cop_filter.reading import Reading
from cop_filter.sources import Fetched

_log = logging.getLogger(__name__)

PRINTS = "prints"
"""The name of the file of a generation that holds the fingerprints of a list's lines."""

DOMAINS = "domains"
"""That of what a list has under each registered domain, upon which a change is counted."""

_MOST_KEPT = 1 << 17
"""New entries that are kept for the proof; of more, the list is read again instead."""

Tell = Callable[[str, int, int | None], None]
"""Told (phase, more, total or None): `parse` in lines, `publish` in entries."""


class Judge(Protocol):
    """Who says what becomes of a version."""

    def review(self, draft: Draft, wanted: ListConfig, fetched: Fetched, domains: bytes) -> Review: ...
    def findings_of_the_past(self, wanted: ListConfig, digest: str) -> tuple[Finding, ...]: ...
    def refuse_unless_released(self, wanted: ListConfig, fetched: Fetched, report: GuardReport) -> None: ...


class Candidate:
    """One version, for one draft. Close it afterwards."""

    def __init__(self, judge: Judge, draft: Draft, wanted: ListConfig, fetched: Fetched, tell: Tell) -> None:
        self.wanted = wanted
        self.fetched = fetched
        self._judge = judge
        self._draft = draft
        self._tell = tell
        self._reading = Reading(wanted, fetched)
        self._report: GuardReport | None = None
        self._new: list[Entry] | None = []
        """All new entries so far; None: more than are kept."""

    @no_search_for_cycles()
    def take(self) -> GuardReport:
        """Put it into the draft; what the guards saw. Raises GuardFailed, ListRefused."""
        wanted, fetched, draft = self.wanted, self.fetched, self._draft
        review = self._judge.review(draft, wanted, fetched, self._held_domains())
        if self._reading.is_change:
            self._take_change(review)
        else:
            self._take_whole(review)
        self._attach_prints()
        draft.attach(wanted.id, DOMAINS, review.domain_counts())
        report = review.report(draft.count(wanted.id))
        report = report.with_findings(self._judge.findings_of_the_past(wanted, fetched.digest))
        self._judge.refuse_unless_released(wanted, fetched, report)
        self._tell("publish", 0, report.entries)
        if report.bad_lines:
            _log.warning(
                "list %s: %d of %d lines are bad: %s",
                wanted.id, report.bad_lines, report.lines, report.first_errors,
            )  # fmt: skip
        self._report = report
        return report

    def _take_whole(self, review: Review) -> None:
        gathering = self._gathering(())
        for chunk in self._reading.chunks():
            self._draft.replace(self.wanted.id, chunk.entries)
            self._keep(review.add(chunk))
            gathering.add(chunk.canaries)
            self._tell("parse", chunk.lines, None)
        self._attach_canaries(gathering)

    def _held_domains(self) -> bytes:
        """Upon which a change is counted; empty where an older version of this program published its base."""
        if not self._reading.is_change:
            return b""
        in_force = self._draft.base_state(self.wanted.id)
        if in_force is None or in_force.digest != self.fetched.base:
            raise ListRefused(
                "what changed is of another version than what is held; the list is fetched whole"
            )
        if DOMAINS not in in_force.attachments:
            return b""
        held = self._draft.attached(self.wanted.id, DOMAINS)
        if held is None:
            raise ListRefused("what is held of its domains is damaged; the list is fetched whole")
        return held

    def _take_change(self, review: Review) -> None:
        wanted, draft = self.wanted, self._draft
        held = draft.attached(wanted.id, CANARIES)
        gathering = self._gathering(() if held is None else from_bytes(held))
        come: list[Entry] = []
        for chunk in self._reading.chunks():
            self._keep(review.add(chunk))
            gathering.add(chunk.canaries)
            come += chunk.entries
            self._tell("parse", chunk.lines, None)
        go = self._reading.removed()
        review.remove(go)
        gathering.remove(go)
        draft.amend(wanted.id, come, go)
        self._attach_canaries(gathering)

    def _gathering(self, held: tuple[Entry, ...]) -> Gathering:
        vouched = self.fetched.vouched
        return Gathering((*self.wanted.canaries, *(() if vouched is None else vouched.canaries)), held)

    def _attach_canaries(self, gathering: Gathering) -> None:
        if gathering.entries:
            self._draft.attach(self.wanted.id, CANARIES, to_bytes(gathering.entries))

    def _attach_prints(self) -> None:
        held = self._draft.attached(self.wanted.id, PRINTS) if self._reading.is_change else None
        prints = self._reading.prints(held)
        if prints is not None:
            self._draft.attach(self.wanted.id, PRINTS, prints)

    def close(self) -> None:
        """Forget its entries, whoever still refers to it (a traceback)."""
        if self._new is not None:
            self._new.clear()

    def _keep(self, new: list[Entry]) -> None:
        if self._new is None:
            return
        self._new += new
        if len(self._new) > _MOST_KEPT:
            self._new = None

    @no_search_for_cycles()
    def prove(self, generation: Generation) -> None:
        """Ask the generation, which is still aside, about every new entry. Raises GuardFailed."""
        engine, base = Engine(generation.snapshot()), self._draft.base
        before = None if base is None else Engine(base.snapshot())
        new = self._new_entries() if self._new is None else self._new
        found = overblock.prove(engine, self.wanted.id, new, before=before)
        if self._report is not None and found:
            self._judge.refuse_unless_released(self.wanted, self.fetched, self._report.with_findings(found))

    def _new_entries(self) -> Iterator[Entry]:
        # By the chunk: a million new entries at once would take more room than all the rest.
        for chunk in self._reading.chunks():
            held = self._draft.holds(self.wanted.id, chunk.entries)
            yield from (entry for entry, old in zip(chunk.entries, held, strict=True) if not old)
