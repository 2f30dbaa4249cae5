"""A rollback that holds: while its file is there, nothing is published. Pure, no files.

A file that is damaged counts as a hold whose facts are lost: what an operator stopped in an emergency
must not start again because a disk was full.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Hold:
    """The generation that is held, the one that was in force (or on trial) before; when, by whom, why.

    All None: the file is damaged.
    """

    generation: int | None = None
    before: int | None = None
    at: float | None = None
    by: str | None = None
    reason: str | None = None

    def to_bytes(self) -> bytes:
        """As the file holds it."""
        return json.dumps(asdict(self), indent=1).encode()

    @staticmethod
    def from_bytes(raw: bytes) -> "Hold":
        """Read it back; never fails."""
        try:
            fields: dict[str, Any] = json.loads(raw)
            return Hold(
                int(fields["generation"]),
                int(fields["before"]),
                float(fields["at"]),
                str(fields["by"]),
                str(fields["reason"]),
            )
        except (ValueError, KeyError, TypeError):
            return Hold()
