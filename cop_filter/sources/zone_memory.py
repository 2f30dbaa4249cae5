"""What the source of a zone remembers: serials seen, and the sums of versions. Never an entry.

::

    zone.json   {"source": its SHA-256, "newest": serial, "versions": [{digest, serial, lines}, ...]}

The last versions that came are kept beside the one in force, because one that came may still be refused.
"""

import base64
import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cop_filter import durable
from cop_filter.sources.zone_digest import ZoneDigest
from cop_filter.sources.zone_transfer import Held

_log = logging.getLogger(__name__)

_FILE = "zone.json"
_MOST_BYTES = 64 * 1024
_MOST_VERSIONS = 8


@dataclass(frozen=True, slots=True)
class ZoneMemory:
    """`newest` is the newest serial that was proven to be the authority's."""

    newest: int | None = None
    versions: tuple[tuple[str, Held], ...] = ()
    """By digest, newest first."""

    @classmethod
    def read(cls, folder: Path, source: str) -> Self:
        """What is remembered of this source; nothing when it is another's, or damaged. Blocks."""
        try:
            with (folder / _FILE).open("rb") as file:
                noted = json.loads(file.read(_MOST_BYTES))
            if noted["source"] != _name(source):
                return cls()
            newest = None if noted["newest"] is None else int(noted["newest"])
            return cls(newest, tuple(map(_version, noted["versions"])))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def held(self, digest: str | None) -> Held | None:
        """The version with this digest, if it is remembered."""
        return next((version for known, version in self.versions if known == digest), None)

    def with_version(self, digest: str, version: Held, *, in_force: str | None, proven: bool) -> Self:
        """The memory with one version more; `in_force` is the digest of one that is not forgotten."""
        others = [(known, one) for known, one in self.versions if known != digest]
        kept = [one for place, one in enumerate(others) if place < _MOST_VERSIONS or one[0] == in_force]
        newest = version.serial if proven else self.newest
        return type(self)(newest, ((digest, version), *kept))

    def write(self, folder: Path, source: str) -> None:
        """Replace what is remembered. A disk that takes nothing costs a whole transfer next time. Blocks."""
        versions = [
            {
                "digest": digest,
                "serial": one.serial,
                "lines": base64.b64encode(one.lines.to_bytes()).decode(),
            }
            for digest, one in self.versions
        ]
        said = {"source": _name(source), "newest": self.newest, "versions": versions}
        try:
            durable.make_folder(folder)
            durable.replace(folder / _FILE, json.dumps(said).encode())
        except OSError as error:
            _log.warning("the serial of a zone cannot be noted: %s", error.strerror)


def _version(noted: dict[str, Any]) -> tuple[str, Held]:
    lines = ZoneDigest.from_bytes(base64.b64decode(noted["lines"], validate=True))
    return str(noted["digest"]), Held(int(noted["serial"]), lines)


def _name(source: str) -> str:
    """Hashed, because a source may carry what the authority considers secret."""
    return hashlib.sha256(source.encode()).hexdigest()
