"""What a person decides about one quarantined version: a statement that can be signed on any machine. Pure.

::

    the node: statement ──> the person's machine: the same, signed ──> the node: heard, and counted

Only the node has the list, the report and the clock; only the person has the key. What a statement tells
is what the guards say of the version, and never an entry.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cop_filter import signing
from cop_filter.errors import SignatureRefused
from cop_filter.provenance import claim
from cop_filter.signing import Person, SigningKey

Verb = Literal["approve", "reject", "reveal"]

MAX_BYTES = 1 << 16
"""The largest statement that is read."""
_PURPOSE = "quarantine-decision"
_FIELDS = {"type", "decision", "quarantine", "list", "digest", "report", "by", "at"}
_COUNTS = ("entries", "in_force", "added", "removed")
_TABLES = ("kinds", "classes")
_FINDING = ("guard", "reason")
_SHOWN = {*_COUNTS, *_TABLES, "findings"}
_MOST_CHARACTERS = 1000
"""Of one reason, so that all of them fit."""
_END_OF_TIME = 253_402_300_800
"""The year 10000, in Unix seconds: later times have no date to show."""
_NO_STATEMENT = "this is no statement about a quarantined version"
_AGAIN = "have a new one written (`cop-filter quarantine statement`) and sign that"


@dataclass(frozen=True, slots=True)
class Version:
    """What is decided about: this digest of this list, quarantined under this id.

    `report` is what people are shown of what the guards say of it.
    """

    item: str
    list_id: str
    digest: str
    report: Mapping[str, Any]

    @staticmethod
    def of_report(item: str, list_id: str, digest: str, report: Mapping[str, Any]) -> "Version":
        """From a whole report of the guards, as JSON has it.

        A reason may name a file of a hostile list, or repeat what a person wrote: it is made one short line.
        """
        shown = {name: report.get(name) for name in (*_COUNTS, *_TABLES)}
        findings = [
            {name: _line(str(one[name])) for name in _FINDING} for one in report.get("findings") or ()
        ]
        return Version(item, list_id, digest, {**shown, "findings": findings})


@dataclass(frozen=True, slots=True)
class Needed:
    """What a decision must be to count: this, about this version, after `since` and up to `until`.

    Both are in Unix seconds.
    """

    verb: Verb
    version: Version
    since: float
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Decision:
    """What one statement says. `by` is a person or an account; `at`, in Unix seconds, is the node's time."""

    verb: Verb
    version: Version
    by: str
    at: int

    def said(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "type": _PURPOSE,
            "decision": self.verb,
            "quarantine": self.version.item,
            "list": self.version.list_id,
            "digest": self.version.digest,
            "report": dict(self.version.report),
            "by": self.by,
            "at": self.at,
        }

    def unsigned(self) -> bytes:
        """The document, for the person to sign."""
        return signing.seal(self.said(), _PURPOSE, [])

    def signed(self, key: SigningKey) -> bytes:
        """The document with the one signature that it takes."""
        return signing.seal(self.said(), _PURPOSE, [key])

    @staticmethod
    def read(raw: bytes) -> "Decision":
        """What a document claims, whoever signed it. Raises SignatureRefused for any other document."""
        if len(raw) > MAX_BYTES:
            raise SignatureRefused(f"{_NO_STATEMENT}: it is larger than {MAX_BYTES} bytes")
        try:
            return Decision.of_said(claim(raw))
        except SignatureRefused:
            raise SignatureRefused(
                f"{_NO_STATEMENT}; the node writes one: `cop-filter quarantine statement ID --as NAME`"
            ) from None

    @staticmethod
    def of_said(said: Mapping[str, Any]) -> "Decision":
        """Read what `said` gave; nothing more may be in it. Raises SignatureRefused."""
        if set(said) != _FIELDS or said["type"] != _PURPOSE or said["decision"] not in get_args(Verb):
            raise SignatureRefused(_NO_STATEMENT)
        words = [said[name] for name in ("quarantine", "list", "digest", "by")]
        at, report = said["at"], said["report"]
        if not (all(map(_is_text, words)) and _is_count(at) and at < _END_OF_TIME and _is_report(report)):
            raise SignatureRefused(_NO_STATEMENT)
        item, list_id, digest, by = words
        return Decision(said["decision"], Version(item, list_id, digest, report), by, at)

    def refuse_unless(self, needed: Needed) -> None:
        """Raise SignatureRefused unless it is what is needed."""
        version = needed.version
        if self.verb != needed.verb:
            raise SignatureRefused(
                f"the statement was signed to {self.verb} a version, and not to {needed.verb} it; {_AGAIN}"
            )
        if self.version.item != version.item:
            raise SignatureRefused(
                f"the statement is about another quarantined version than {version.item}; {_AGAIN}"
            )
        if (self.version.list_id, self.version.digest) != (version.list_id, version.digest):
            raise SignatureRefused(
                f"the statement names another list or digest than {version.item} has; {_AGAIN}"
            )
        if self.at <= needed.since:
            raise SignatureRefused(
                "the statement is over: since it was written a version of the list went live, this one was "
                f"taken back or its report written anew, or it is a reveal's and too old; {_AGAIN}"
            )
        if self.version.report != version.report:
            raise SignatureRefused(
                f"the statement tells something else than the guards say of {version.item}; {_AGAIN}"
            )
        if self.at > needed.until:
            raise SignatureRefused(
                f"the statement is from the future: look at this machine's clock; {_AGAIN}"
            )


def heard(document: bytes, people: Sequence[Person], needed: Needed) -> Person:
    """Which of `people` decides so: named in this document, and it is signed with their key for this purpose.

    Raises SignatureRefused.
    """
    said = Decision.read(document)
    said.refuse_unless(needed)
    named = [person for person in people if person.name == said.by]
    if not named:
        raise SignatureRefused(
            f"the statement is in the name of somebody who may not decide this; who may: {names(people)}"
        )
    for person in named:
        if _signed(document, person):
            return person
    raise SignatureRefused(
        f"the statement is not signed with the key that the configuration has for {named[0].name}, or was "
        "changed since: sign it as it is, with `cop-filter quarantine sign FILE --key KEY.pem`"
    )


def names(people: Sequence[Person]) -> str:
    """For a message: each once, or "nobody"."""
    return ", ".join(dict.fromkeys(person.name for person in people)) or "nobody"


def _signed(document: bytes, person: Person) -> bool:
    try:
        signing.read(document, _PURPOSE, [person.key])
    except SignatureRefused:
        return False
    return True


def _line(text: str) -> str:
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return shown if len(shown) <= _MOST_CHARACTERS else f"{shown[: _MOST_CHARACTERS - 3]}..."


def _is_text(value: object) -> bool:
    """One line that no terminal takes for a command."""
    return isinstance(value, str) and value != "" and value.isprintable()


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_report(report: object) -> bool:
    if not isinstance(report, dict) or set(report) != _SHOWN:
        return False
    counts = [report[name] for name in _COUNTS]
    tables = [report[name] for name in _TABLES]
    findings = report["findings"]
    return (
        all(count is None or _is_count(count) for count in counts)
        and all(isinstance(table, dict) for table in tables)
        and all(_is_text(name) and _is_count(count) for table in tables for name, count in table.items())
        and isinstance(findings, list)
        and all(isinstance(one, dict) and set(one) == set(_FINDING) for one in findings)
        and all(map(_is_text, (word for one in findings for word in one.values())))
    )
