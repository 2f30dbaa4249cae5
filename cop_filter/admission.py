"""What a fetched version has to pass before it is enforced: read -> guards -> compile -> proof -> publish.

A version that a guard refuses goes to the quarantine, and the last good one stays. All of this runs in one
thread, one list after the other, because each generation is made from the one before it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import NamedTuple

from cop_filter import compiler, memory
from cop_filter.candidate import Candidate, Tell
from cop_filter.chronicle import Chronicle
from cop_filter.compiler import Draft
from cop_filter.config import Config, ListConfig
from cop_filter.errors import AuditBroken, GuardFailed, StateError
from cop_filter.freshness import Word, fresh_until, with_stale_observed
from cop_filter.guards import Finding, GuardReport, Review, never_block
from cop_filter.last_look import LastLook
from cop_filter.ledger import Ledger
from cop_filter.loader import Generation
from cop_filter.manifest import Manifest
from cop_filter.policy_changes import changes, expired
from cop_filter.quarantine import Quarantine
from cop_filter.sources import Fetched, Vouched
from cop_filter.store import Store

_log = logging.getLogger(__name__)


class Admitted(NamedTuple):
    """`damaged`: the generation before could not be opened, and what it held of other lists is lost."""

    generation: int
    report: GuardReport
    damaged: bool


class Admission:
    """The one way into a generation. `clock` gives Unix time. Used by one thread."""

    def __init__(
        self, config: Config, store: Store, ledger: Ledger, chronicle: Chronicle, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._store = store
        self._ledger = ledger
        self._chronicle = chronicle
        self._clock = clock
        self._never_block = never_block.load(config)
        self._last_look = LastLook(store.root / "looked", clock())

    # ------------------------------------------------------------ the operator's own changes

    def policy(self) -> bool:
        """Publish the configuration's policy where it is not what is in force.

        True when the generation in force is damaged: then nothing is published. An older one may hold less
        than what is lost, and who has that in memory keeps it until there is something new; who starts now
        finds the older one by itself. Nothing is published before the first list: a generation that
        blocks nothing would only be something to roll back to by mistake. Raises StateError, OSError.
        """
        if compiler.damaged(self._store):
            return True
        before = self._manifest()
        if before is None:
            return False
        self._note_what_ended(before)
        config = self._effective()
        if compiler.stale(self._store, config):
            with compiler.draft(self._store, config, clock=self._clock) as draft:
                number = draft.publish()
            _log.info("generation %d published: the policy has changed", number)
            after = self._store.manifest(number)
            self._chronicle.policy(number, changes(before, after))
        return False

    def _note_what_ended(self, manifest: Manifest) -> None:
        since, now = self._last_look.at, self._clock()
        self._chronicle.policy(manifest.generation, expired(manifest, since, now))
        words = self._words()
        for one in self._config.lists:
            end = fresh_until(one, words[one.id])
            if end is not None and since < end <= now:
                self._chronicle.expired(one.id)
        self._last_look.seen(now)

    def _effective(self) -> Config:
        """The configuration, with those lists only observed that nobody stands by any more, if it says so."""
        return with_stale_observed(self._config, self._words(), self._clock())

    def _words(self) -> dict[str, Word]:
        """What was heard last of each list."""
        manifest = self._manifest()
        states = {} if manifest is None else {state.policy.id: state for state in manifest.lists}
        return {one.id: self._ledger.word(one, states.get(one.id)) for one in self._config.lists}

    def _manifest(self) -> Manifest | None:
        """That of the newest generation; None where there is none that is whole."""
        try:
            number = self._store.newest()
            return None if number is None else self._store.manifest(number)
        except StateError:
            return None

    # ------------------------------------------------------------ a version of a list

    def admit(self, wanted: ListConfig, fetched: Fetched, tell: Tell) -> Admitted:
        """Publish a version, or refuse it. Its bytes are gone afterwards.

        Raises GuardFailed when it went to the quarantine, ListRefused, StateError, OSError.
        """
        damaged = compiler.damaged(self._store)
        try:
            config = self._effective()
            with (
                compiler.draft(self._store, config, clock=self._clock) as draft,
                closing(Candidate(self, draft, wanted, fetched, tell)) as candidate,
            ):
                report = candidate.take()
                number = draft.publish(*_said([candidate]), candidate.prove)
        finally:
            # Whoever still refers to the answer (a task, a traceback) no longer holds its bytes.
            fetched.raw.clear()
            memory.give_back()
        return Admitted(number, report, damaged)

    def renew(self, fetched: Mapping[str, Fetched]) -> dict[str, Admitted]:
        """Publish every list that is in force anew, under the newest key; by list id.

        All or nothing: until then the older key stays in use. Raises as `admit` does.
        """
        wanted = [one for one in self._config.lists if one.id in fetched]
        try:
            with (
                compiler.draft(self._store, self._effective(), clock=self._clock, renew=True) as draft,
                ExitStack() as stack,
            ):
                candidates = [
                    stack.enter_context(closing(Candidate(self, draft, one, fetched[one.id], _tell_nobody)))
                    for one in wanted
                ]
                reports = [candidate.take() for candidate in candidates]

                def prove(generation: Generation) -> None:
                    for candidate in candidates:
                        candidate.prove(generation)

                number = draft.publish(*_said(candidates), prove)
        finally:
            for one in fetched.values():
                one.raw.clear()
        _log.info("generation %d published under the newest key", number)
        self._chronicle.audit.note("keys_rotated", generation=number)
        return {
            one.id: Admitted(number, report, damaged=False)
            for one, report in zip(wanted, reports, strict=True)
        }

    def findings_of_the_past(self, wanted: ListConfig, digest: str) -> tuple[Finding, ...]:
        """A version that was taken back, or refused by a person, does not go live again by itself."""
        setback = self._store.suspicion(wanted.id, digest)
        if setback is None:
            return ()
        how = "refused when a rollback was released" if setback.how == "refused" else "taken back by itself"
        return (Finding("rollout", f"this version was {how}: {setback.reason or 'no reason was given'}"),)

    def review(self, draft: Draft, wanted: ListConfig, fetched: Fetched, domains: bytes) -> Review:
        """The guards, before the first line."""
        return Review(
            wanted,
            draft.base_state(wanted.id),
            partial(draft.holds, wanted.id),
            self._never_block,
            self._ledger.history(wanted),
            canaries=() if fetched.vouched is None else fetched.vouched.canaries,
            is_change=fetched.base is not None,
            domains=domains,
            now=self._clock(),
            # What was refused is not to be believed for nothing but that time has passed.
            refused_since=self._quarantine().refused_since(wanted.id),
        )

    def _quarantine(self) -> Quarantine:
        return Quarantine(self._store, self._config, audit=self._chronicle.audit, clock=self._clock)

    def refuse_unless_released(self, wanted: ListConfig, fetched: Fetched, report: GuardReport) -> None:
        """Put a version that has findings into the quarantine, unless enough people let it pass.

        Raises GuardFailed.
        """
        quarantine = self._quarantine()
        rejected_by = quarantine.rejected_by(wanted.id, fetched.digest)
        if rejected_by is not None:
            why = f"; {report.reason}" if report.findings else ""
            raise GuardFailed(f"this version was rejected by {rejected_by}{why}")
        if report.passed:
            return
        if quarantine.released(wanted.id, fetched.digest, [finding.guard for finding in report.findings]):
            _log.warning("list %s: a version with findings was released by people", wanted.id)
            return
        version = None if fetched.vouched is None else fetched.vouched.version
        try:
            item = quarantine.keep(
                wanted, report, fetched.digest, fetched.raw, fetched.removed, version=version
            )
        except (StateError, OSError, AuditBroken) as error:
            _log.error("list %s: the refused version cannot be kept: %s", wanted.id, error)
            raise GuardFailed(report.reason) from None
        raise GuardFailed(f"{report.reason} (quarantined as {item})")


def _tell_nobody(_phase: str, _more: int, _total: int | None) -> None:
    """For what nobody watches."""


def _said(candidates: Sequence[Candidate]) -> tuple[dict[str, str], dict[str, Vouched]]:
    """What is known of versions beside their entries: digests, and what signatures say; by list id."""
    digests = {one.wanted.id: one.fetched.digest for one in candidates}
    vouched = {one.wanted.id: one.fetched.vouched for one in candidates}
    return digests, {list_id: said for list_id, said in vouched.items() if said is not None}
