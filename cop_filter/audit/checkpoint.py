"""Signed word of how far the log has come. Pure.

Kept elsewhere, it shows what the log's own folder cannot: that all of it was exchanged for an older one.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from cop_filter import signing
from cop_filter.audit.line import NOTHING_BEFORE
from cop_filter.errors import AuditBroken, SignatureRefused
from cop_filter.signing import PublicKey, SigningKey

_PURPOSE = "audit-checkpoint"
_HASH = re.compile(r"[0-9a-f]{64}")


class Head(NamedTuple):
    """A log with `lines` lines, of which the last has the hash `digest` (hex)."""

    lines: int
    digest: str


EMPTY = Head(0, NOTHING_BEFORE)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at a time (Unix seconds), and whose word it is."""

    head: Head
    at: int
    key: PublicKey


def seal(head: Head, at: int, key: SigningKey) -> bytes:
    """The checkpoint as a signed document."""
    return signing.seal({"lines": head.lines, "digest": head.digest, "at": at}, _PURPOSE, [key])


def read(raw: bytes, keys: Collection[PublicKey]) -> Checkpoint:
    """Read a checkpoint that one of the keys signed. Raises AuditBroken."""
    try:
        document = signing.read(raw, _PURPOSE, keys)
    except SignatureRefused:
        raise AuditBroken(
            "the checkpoint is damaged, or signed with another key than the log's own: "
            "the whole log may have been exchanged"
        ) from None
    said = document.said
    lines, digest, at = said.get("lines"), said.get("digest"), said.get("at")
    if not isinstance(lines, int) or not isinstance(at, int) or not isinstance(digest, str):
        raise AuditBroken("the checkpoint is of another version of cop-filter")
    if lines < 0 or not _HASH.fullmatch(digest):
        raise AuditBroken("the checkpoint is of another version of cop-filter")
    return Checkpoint(Head(lines, digest), at, document.signers[0])
