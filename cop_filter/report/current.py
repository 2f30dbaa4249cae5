"""Reads the state folder for a report. It only reads: the publisher is never disturbed."""

import time
from collections import Counter

from cop_filter import selftest
from cop_filter.config import Config
from cop_filter.quarantine import Quarantine
from cop_filter.report.situation import Situation
from cop_filter.report.status import Status, status
from cop_filter.store import Store


def current_status(config: Config, now: float | None = None) -> Status:
    """The status of all configured lists; `now` is in Unix seconds.

    Raises StateError when the state folder holds something foreign or corrupt.
    """
    store = Store.of(config)
    number = store.current()
    manifest = None if number is None else store.manifest(number)
    return status(
        config,
        store.read_status(),
        {} if manifest is None else {one.policy.id: one for one in manifest.lists},
        generation=number,
        created_at=None if manifest is None else manifest.created_at,
        now=time.time() if now is None else now,
    )


def current_situation(config: Config, now: float | None = None) -> Situation:
    """The same, with all else that an operator has to know of. Raises StateError."""
    now = time.time() if now is None else now
    store = Store.of(config)
    found = current_status(config, now)
    waiting: Counter[str] = Counter()
    if (store.root / "quarantine").is_dir():
        waiting.update(
            one.item.list_id if one.item is not None else ""
            for one in Quarantine(store, config).items()
            if one.state in ("waiting", "unreadable")
        )
    return Situation(
        status=found,
        now=now,
        held=store.held(),
        trial=store.trial(),
        setbacks=store.setbacks(),
        quarantined=waiting,
        selftest=selftest.latest(config.state_dir),
        selftest_interval_s=config.selftest.interval_s,
    )
