"""Reads the state folder for a status report. It only reads: the publisher is never disturbed."""

import time

from cop_filter.config import Config
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
