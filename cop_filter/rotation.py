"""A new key for the index: begun, used once every list was fetched whole, and the old one dropped.

::

    begin ──> sync fetches every list whole ──> publishes under the new key ──> finish
              (until then, the old key)         (older generations need the old key)
"""

import os
import shutil

from cop_filter.errors import StateError
from cop_filter.sealing import KEY_BYTES
from cop_filter.store import Store


def begin(store: Store) -> None:
    """Put a new key before those that there are. Raises StateError, ConfigError, OSError."""
    with store.writer():
        if store.rotation_due():
            raise StateError("the newest key waits: `cop-filter sync` has to fetch every list first")
        store.ring.replace([os.urandom(KEY_BYTES), *store.ring.read()])


def finish(store: Store) -> tuple[int, ...]:
    """Drop all keys but the newest, and the generations that need them: their numbers.

    Nobody can go back to those then, and what was quarantined under an older key is lost. Raises
    StateError, and changes nothing, while what is in force or on trial needs an older key; ConfigError,
    OSError.
    """
    with store.writer():
        newest = store.newest_keys()
        current = store.current()
        old = tuple(number for number in store.numbers() if not _is_under(store, number, newest.manifest))
        if store.rotation_due() or current in old:
            raise StateError("an older key is in use until every list was fetched again and published")
        store.ring.replace(store.ring.read()[:1])
        for number in old:
            shutil.rmtree(store.folder(number), ignore_errors=True)
        return old


def _is_under(store: Store, number: int, manifest_key: bytes) -> bool:
    try:
        return store.open_manifest(store.folder(number))[1].manifest == manifest_key
    except StateError:
        return False
