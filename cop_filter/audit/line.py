"""One line of the log: canonical JSON, chained to the line before by its hash, and signed. Pure."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cop_filter.audit.facts import Fact
from cop_filter.errors import AuditBroken
from cop_filter.signing import PublicKey, SigningKey
from cop_filter.signing.envelope import canonical

MAX_BYTES = 8192
NOTHING_BEFORE = "0" * 64
_FIELDS = ("at", "before", "event", "facts", "line", "signature")
_HASH = re.compile(r"[0-9a-f]{64}")
_SHOWABLE = re.compile(r"[ -~]{1,200}")
_PURPOSE = b"cop-filter audit-line v1\n"


@dataclass(frozen=True, slots=True)
class Line:
    """`number` counts from 1, `at` is in Unix seconds, `before` is the hash of the line before (hex)."""

    number: int
    at: int
    event: str
    facts: Mapping[str, Fact]
    before: str
    signature: bytes = b""

    def _said(self) -> dict[str, object]:
        return {
            "line": self.number,
            "at": self.at,
            "event": self.event,
            "facts": dict(self.facts),
            "before": self.before,
        }

    def signed_by(self, key: SigningKey) -> bytes:
        """The line as it is written, without its end of line."""
        signature = key.sign(_PURPOSE + canonical(self._said()))
        return canonical({**self._said(), "signature": base64.b64encode(signature).decode()})

    def is_by(self, keys: Collection[PublicKey]) -> bool:
        """Whether one of the keys signed it."""
        message = _PURPOSE + canonical(self._said())
        return any(key.signed(message, self.signature) for key in keys)


def read(raw: bytes) -> Line:
    """Read what `signed_by` wrote; whether the signature is good is not looked at. Raises AuditBroken."""
    try:
        fields = json.loads(raw)
        if tuple(sorted(fields)) != _FIELDS or canonical(fields) != raw:
            raise ValueError
        line = Line(
            fields["line"],
            fields["at"],
            fields["event"],
            fields["facts"],
            fields["before"],
            base64.b64decode(fields["signature"], validate=True),
        )
        if not _well_formed(line):
            raise ValueError
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise AuditBroken("is no line of an audit log") from None
    return line


def digest(raw: bytes) -> str:
    """What the line after this one names it by."""
    return hashlib.sha256(raw).hexdigest()


def _well_formed(line: Line) -> bool:
    # It will be shown on a terminal: nothing that the log would not have taken may get there.
    numbers = all(isinstance(one, int) and not isinstance(one, bool) for one in (line.number, line.at))
    words = [line.event, *line.facts, *(fact for fact in line.facts.values() if isinstance(fact, str))]
    return (
        numbers
        and bool(_HASH.fullmatch(line.before))
        and all(_SHOWABLE.fullmatch(word) for word in words)
        and all(isinstance(fact, str | int) for fact in line.facts.values())
    )
