"""One quarantined version of a list: what the guards said, and what was decided. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cop_filter.decision import Version
from cop_filter.errors import StateError
from cop_filter.quarantine import coded

_PURPOSE = "quarantine-item"
_ID = re.compile(r"\d{8}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Item:
    """`at` (when it came) and `rejected_at` are in Unix seconds; `version` is the authority's own number.

    `report` is what the guards said, as JSON has it. `rejected_by` is a person or an account.
    """

    id: str
    list_id: str
    digest: str
    at: float
    version: int | None
    report: Mapping[str, Any]
    rejected_at: float | None = None
    rejected_by: str | None = None

    @property
    def version_shown(self) -> Version:
        """What people decide about."""
        return Version.of_report(self.id, self.list_id, self.digest, self.report)

    def to_bytes(self, key: bytes) -> bytes:
        """The item with a code that only this state folder's key can make."""
        return coded.write(asdict(self), key, _PURPOSE)

    @staticmethod
    def from_bytes(raw: bytes, key: bytes, item_id: str) -> "Item":
        """Read and verify. Raises StateError when it was changed, moved, or is of another key."""
        said = coded.read(raw, key, _PURPOSE)
        try:
            item = Item(**said)
        except TypeError:
            raise StateError("it was written by another version of cop-filter") from None
        if item.id != item_id:
            raise StateError("it is another one's, put in its place")
        return item


def is_id(word: str) -> bool:
    """Whether a word can be the id of an item: it names a folder."""
    return bool(_ID.fullmatch(word))
