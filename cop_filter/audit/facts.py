"""What the audit log may tell: fixed words for what happened, and facts that can be no entry. Pure."""

import re
from collections.abc import Collection, Mapping
from typing import Literal, get_args

AuditEvent = Literal[
    "audit_started",  # a log begins
    # Lists.
    "list_published",
    "list_refused",
    "list_quarantined",
    "list_expired",
    # What becomes of a quarantined version.
    "quarantine_approved",  # by one person; others may be needed
    "quarantine_rejected",
    "quarantine_released",  # enough have approved: it may go live
    "quarantine_dropped",  # undecided, for a newer one
    "entries_revealed",
    # The configuration as it is in force.
    "policy_changed",
    "profile_changed",
    "exemption_added",
    "exemption_removed",
    "exemption_expired",
    # Generations.
    "rolled_back",
    "rollback_released",  # newer generations may go live again
    "version_refused",  # but not this one that was rolled back
    "rollout_started",
    "rollout_passed",
    "rollout_failed",
    # Proof and alarms.
    "canary_failed",
    "canary_recovered",
    "certificate_written",
    "keys_rotated",
]
"""Every event of the log; any other is a type error."""

Fact = str | int
_EVENTS = frozenset(get_args(AuditEvent))
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WORD = re.compile(r"[A-Za-z0-9_,+=-]{1,128}")
"""No dot, slash, colon, space or percent sign: no host, address or URL is such a word."""
_VERSION = re.compile(r"\d{1,6}\.\d{1,6}(\.\d{1,6})?([.-]?(a|b|rc|dev|post)\d{1,6})?")
_MOST_FACTS = 20
_LARGEST = 2**63


def checked(
    event: str, facts: Mapping[str, str | int | None], known: Collection[str] = ()
) -> dict[str, Fact]:
    """The facts that are not None, if each is an id, a count, a digest, a version, or one of `known` words.

    Raises ValueError, which never repeats the fact.
    """
    if event not in _EVENTS:
        raise ValueError("no such event in the audit log; choose one of AuditEvent")
    told = {name: fact for name, fact in facts.items() if fact is not None}
    if len(told) > _MOST_FACTS:
        raise ValueError(f"the audit log takes at most {_MOST_FACTS} facts at once")
    for name, fact in told.items():
        if not _NAME.fullmatch(name):
            raise ValueError("a fact's name must be lower-case letters, digits and underscores")
        if not _safe(fact, known):
            raise ValueError(f"the fact {name} is no id, count, digest or version: the audit log refuses it")
    return told


def _safe(fact: object, known: Collection[str]) -> bool:
    if isinstance(fact, str):
        return fact in known or bool(_WORD.fullmatch(fact)) or bool(_VERSION.fullmatch(fact))
    return isinstance(fact, int) and abs(fact) < _LARGEST
