"""What a signed list's source remembers between visits: whose keys count, and the newest version seen.

One file in the source's own folder; it holds no entry. Who deletes it can be shown an older version, as on
the first day; a damaged one counts as deleted, because a list must come back by itself after a bad disk.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from cop_filter import durable
from cop_filter.errors import ProvenanceFailed, StateError
from cop_filter.provenance import KeySet
from cop_filter.signing import PublicKey

_log = logging.getLogger(__name__)
_FILE = "signed.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """`keys` are those in force, reached from the configured ones; `version` and `digest` are of the list."""

    anchor: str
    keys: KeySet
    version: int = 0
    digest: str | None = None

    @staticmethod
    def at_first(configured: KeySet) -> "Seen":
        """Nothing but what the operator has configured."""
        return Seen(anchor(configured), configured)


def recall(folder: Path, configured: KeySet) -> Seen:
    """What is remembered of this list, for an operator who has configured these keys.

    Other keys than before are believed from now on, and what was seen still counts, unless none of them is
    known from before: then the operator has turned to another authority. Raises StateError.
    """
    try:
        said = json.loads((folder / _FILE).read_bytes())
        keys = KeySet.read(dict(said["keys"]))
        version, digest = int(said["version"]), str(said["digest"])
        anchored, configured_then = str(said["anchor"]), {PublicKey.parse(one) for one in said["configured"]}
    except FileNotFoundError:
        return Seen.at_first(configured)
    except OSError as error:
        raise StateError(f"what was seen of the list cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError, ProvenanceFailed):
        _log.warning("what was seen of a signed list is damaged, and begins anew")
        return Seen.at_first(configured)
    if keys.list != configured.list or configured_then.union(keys.keys).isdisjoint(configured.keys):
        return Seen.at_first(configured)
    if anchored == anchor(configured):
        return Seen(anchored, keys, version, digest)
    return Seen(anchor(configured), configured, version, digest)


def remember(folder: Path, seen: Seen, configured: KeySet) -> None:
    """Keep it. Raises StateError: without it an older version could be shown tomorrow."""
    said = {
        "anchor": seen.anchor,
        "configured": [str(key) for key in configured.keys],
        "keys": seen.keys.said(),
        "version": seen.version,
        "digest": seen.digest,
    }
    try:
        durable.make_folder(folder)
        durable.replace(folder / _FILE, json.dumps(said, indent=1).encode())
    except OSError as error:
        raise StateError(f"what was seen of the list cannot be kept: {error.strerror}") from None


def anchor(configured: KeySet) -> str:
    """Changes when the operator configures other keys, another threshold or another list."""
    keys = sorted(str(key) for key in configured.keys)
    return hashlib.sha256(json.dumps([configured.list, configured.threshold, keys]).encode()).hexdigest()
