"""What sync remembers of each list between refreshes: status.json, for itself and for `status`."""

import hashlib
import logging
from dataclasses import asdict
from typing import Any, NamedTuple

from cop_filter import file_lock
from cop_filter.config import ListConfig
from cop_filter.errors import StateError
from cop_filter.freshness import Word, last_word
from cop_filter.guards import Accepted, churn
from cop_filter.manifest import ListState
from cop_filter.sources import Validators, Vouched
from cop_filter.store import Store

_log = logging.getLogger(__name__)

_MEMORY = ("etag", "last_modified", "digest", "reading")
_KEPT = (*_MEMORY, "confirmed_at", "expires_at", "version", "history")
_MOST_HISTORY = 60
"""Versions of a list that its usual churn is known from."""


class Known(NamedTuple):
    """What a list's source had when it was last accepted; empty when it must be fetched afresh."""

    validators: Validators = Validators()
    digest: str | None = None
    vouched: Vouched | None = None
    """What was said of it the last time, where its source says anything."""


class Moment(NamedTuple):
    """When a list was checked, and when it will be next; Unix seconds."""

    checked_at: float
    next_try: float


class Ledger:
    """The notes on all lists. Read afresh at each use: another sync process may have written some."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, config: ListConfig) -> Known:
        """What was accepted last from this source, read in this way."""
        note = self._note(config.id)
        if note.get("reading") != _reading(config):
            return Known()
        return Known(Validators(_text(note, "etag"), _text(note, "last_modified")), _text(note, "digest"))

    def forget(self, config: ListConfig) -> None:
        """Have the list fetched whole: what was accepted last is lost."""
        if note := self._note(config.id):
            self._replace(config.id, {**note, **dict.fromkeys(_MEMORY)})

    def history(self, config: ListConfig) -> tuple[Accepted, ...]:
        """The versions of a list that went in force, the oldest first; another source begins anew."""
        note = self._note(config.id)
        if note.get("reading") != _reading(config):
            return ()
        try:
            return tuple(Accepted.of_fields(fields) for fields in note.get("history", ()))
        except TypeError:
            return ()

    def word(self, config: ListConfig, in_force: ListState | None) -> Word:
        """What was heard last of a list that is in force."""
        return last_word(self._note(config.id), in_force)

    def last_error(self, config: ListConfig) -> str | None:
        """Why the last try failed, if it did."""
        return _text(self._note(config.id), "last_error")

    def accepted(
        self,
        config: ListConfig,
        known: Known,
        in_force: ListState | None,
        moment: Moment,
        went_in: Accepted | None = None,
    ) -> None:
        """Note that what is in force is what the source has; `went_in`: it did so just now."""
        memory = {**known.validators._asdict(), "digest": known.digest, "reading": _reading(config)}
        versions = [*self.history(config), *([] if went_in is None else [went_in])]
        if known.vouched is not None:
            memory |= {"version": known.vouched.version, "expires_at": known.vouched.expires_at}
        self._write(
            config.id,
            in_force,
            moment,
            state="ok",
            last_error=None,
            confirmed_at=moment.checked_at,
            history=list(map(asdict, churn.shortened(versions, _MOST_HISTORY, config.interval_s))),
            **memory,
        )

    def refused(self, config: ListConfig, reason: str, in_force: ListState | None, moment: Moment) -> None:
        """Note why the last good list stays; what is remembered of that one is kept."""
        note = self._note(config.id)
        kept = {name: note[name] for name in _KEPT if name in note}
        state = "never" if in_force is None else "failing"
        self._write(config.id, in_force, moment, state=state, last_error=reason, **kept)

    def _note(self, list_id: str) -> dict[str, Any]:
        note = self._store.read_status().get(list_id)
        return note if isinstance(note, dict) else {}

    def _write(self, list_id: str, in_force: ListState | None, moment: Moment, **more: object) -> None:
        note = {
            "entries": 0 if in_force is None else in_force.entries,
            "published_at": None if in_force is None else in_force.published_at,
            **moment._asdict(),
            **more,
        }
        self._replace(list_id, note)

    def _replace(self, list_id: str, note: dict[str, Any]) -> None:
        try:
            # Another process may note another list at the same time, in the same file.
            with file_lock.held(self._store.root / "status.lock"):
                self._store.write_status({**self._store.read_status(), list_id: note})
        except (OSError, StateError) as error:
            # A full disk must not undo what the refresh did: the list is in force whatever is noted.
            why = error.strerror if isinstance(error, OSError) else error
            _log.warning("the status of list %s cannot be written: %s", list_id, why)


def _reading(config: ListConfig) -> str:
    """Changes when the same bytes, or the same validators, would no longer mean the same list.

    Hashed, because a source may carry what the authority considers secret.
    """
    parts = (config.source, config.format, config.csv_column, config.json_field, config.allow_addresses)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _text(note: dict[str, Any], key: str) -> str | None:
    value = note.get(key)
    return value if isinstance(value, str) else None
