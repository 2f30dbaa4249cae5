"""The signed manifest of a list: which version is the newest, and what its bytes are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cop_filter.errors import ProvenanceFailed
from cop_filter.provenance.fields import Fields

LIST = "list"
"""The purpose that its signatures are made for."""

MAX_BYTES = 64 * 1024
MAX_CHANGES = 32
MAX_CANARIES = 64
MAX_LIFE_S = 366 * 86400
"""A manifest that is valid for longer would let a mirror hold back newer ones for as long."""

_FORMAT = 1
_NAME = "list's manifest"


@dataclass(frozen=True, slots=True)
class ChangeFile:
    """A file of what changed since the version with the digest `base`; it leads to the next one's base."""

    base: str
    digest: str
    length: int

    @property
    def path(self) -> str:
        """Where it lies beside the manifest."""
        return f"deltas/{self.digest}.json"


@dataclass(frozen=True, slots=True)
class ListManifest:
    """Times are Unix seconds, digests SHA-256 in hex, `length` in bytes, `count` in lines.

    `deltas` are in order: each leads to the base of the next, the last one to this version.
    """

    list: str
    version: int
    not_before: int
    expires: int
    length: int
    digest: str
    count: int
    previous: str | None
    entries_digest: str
    canaries: tuple[str, ...]
    deltas: tuple[ChangeFile, ...]
    keys: int
    """Version of the key set that its signers belong to."""

    @staticmethod
    def read(said: Mapping[str, Any]) -> "ListManifest":
        """Read what the signed document says. Raises ProvenanceFailed."""
        fields = Fields(said, _NAME)
        if said.get("type") != LIST:
            fields.refuse("type")
        fields.integer("format", _FORMAT, _FORMAT)
        not_before = fields.integer("not_before", 0)
        deltas = tuple(
            ChangeFile(one.digest("base"), one.digest("digest"), one.integer("length", 1))
            for one in fields.tables("deltas", MAX_CHANGES)
        )
        return ListManifest(
            list=fields.list_id("list"),
            version=fields.integer("version", 1),
            not_before=not_before,
            expires=fields.integer("expires", not_before + 1, not_before + MAX_LIFE_S),
            length=fields.integer("length", 1),
            digest=fields.digest("digest"),
            count=fields.integer("count", 1),
            previous=fields.digest("previous") if fields.has("previous") else None,
            entries_digest=fields.digest("entries_digest"),
            canaries=fields.texts("canaries", MAX_CANARIES),
            deltas=deltas,
            keys=fields.integer("keys", 1),
        )

    def said(self) -> dict[str, Any]:
        """What is to be signed."""
        return {"type": LIST, "format": _FORMAT, **asdict(self)}

    @property
    def path(self) -> str:
        """Where the whole list lies beside the manifest."""
        return f"lists/{self.digest}.txt"

    @property
    def family(self) -> str:
        """The list whose key sets count: receivers' copies have those of the list itself."""
        return self.list.partition(".")[0]

    def changes_since(self, digest: str | None) -> tuple[ChangeFile, ...] | None:
        """The files that lead from the version with this digest to this one.

        None: there are none, or the whole list is smaller. Nothing leads from this version to itself.
        """
        if digest == self.digest:
            return ()
        # The last of this base: a list may go back to what it was before.
        for start in range(len(self.deltas) - 1, -1, -1):
            if self.deltas[start].base == digest:
                path = self.deltas[start:]
                return path if sum(one.length for one in path) < self.length else None
        return None

    def check_window(self, now: float, slack_s: float) -> None:
        """Raise ProvenanceFailed unless it is in force now; clocks may differ by `slack_s` at its start."""
        if now < self.not_before - slack_s:
            start = datetime.fromtimestamp(self.not_before, UTC)
            raise ProvenanceFailed(
                f"version {self.version} holds from {start:%Y-%m-%d %H:%M} UTC on, which is in the future: "
                "look at this machine's clock"
            )
        if now >= self.expires:
            end = datetime.fromtimestamp(self.expires, UTC)
            raise ProvenanceFailed(
                f"version {self.version}, the newest that the server shows, expired on {end:%Y-%m-%d %H:%M} "
                "UTC: a newer one is held back, or the authority has stopped signing; ask the authority"
            )
