"""What is recorded of refreshes: counters, hourly sums for certificates, and the audit log.

Recording never stands in the way: what cannot be written is told in the messages, and the list is in
force all the same.
"""

from collections.abc import Callable
from typing import Literal

from cop_filter.audit import Audit
from cop_filter.config import Config, ListConfig
from cop_filter.errors import CopFilterError
from cop_filter.events import Events
from cop_filter.guards import GuardReport
from cop_filter.history import History
from cop_filter.policy_changes import Change


class Chronicle:
    """`clock` gives Unix time."""

    def __init__(self, config: Config, events: Events, clock: Callable[[], float]) -> None:
        self.audit = Audit(config, clock=clock)
        self._history = History(config.state_dir)
        self._events = events
        self._clock = clock

    def published(
        self, wanted: ListConfig, generation: int, report: GuardReport, digest: str, version: int | None
    ) -> None:
        """A version of a list went into force, or on trial."""
        self._count(wanted, "published")
        self.audit.note(
            "list_published",
            list=wanted.id,
            generation=generation,
            entries=report.entries,
            added=report.added,
            removed=report.removed,
            digest=digest,
            version=version,
        )

    def unchanged(self, wanted: ListConfig) -> None:
        """The source still has what is in force."""
        self._count(wanted, "unchanged")

    def refused(self, wanted: ListConfig, error: Exception, *, before: str | None) -> None:
        """A version was refused. `before` is what was said the last time: what goes on is told once."""
        self._count(wanted, "refused")
        if before != str(error):
            kind = type(error).__name__ if isinstance(error, CopFilterError) else "fault"
            self.audit.note("list_refused", list=wanted.id, why=kind)

    def aged(self, list_id: str, age_s: float) -> None:
        """How old a list is that is in force, whenever it is looked at."""
        self._history.measured(f"list:{list_id}", "age_s", age_s, self._clock())

    def expired(self, list_id: str) -> None:
        """Its authority, or the operator's bound, no longer stands by a list that is in force."""
        self.audit.note("list_expired", list=list_id)

    def policy(self, generation: int, changes: list[Change]) -> None:
        """What a new configuration changed."""
        for change in changes:
            self.audit.know(change.ids)
            self.audit.note(change.event, generation=generation, **change.facts)

    def _count(self, wanted: ListConfig, result: Literal["published", "unchanged", "refused"]) -> None:
        self._events.refreshed(wanted.id, result)
        self._history.refreshed(wanted.id, result, interval_s=wanted.interval_s, at=self._clock())
