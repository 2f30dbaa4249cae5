"""What the guards say of a version of a list, for people and for the record. No text of an entry is in it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a version is not believed: the guard's name, and a reason in words with counts."""

    guard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A version that went in force: one line of a list's own history. `at` is in Unix seconds.

    `believed` is False when guards had findings, and people let it pass.
    """

    at: float
    entries: int
    added: int
    removed: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    believed: bool = True

    @property
    def fills(self) -> bool:
        """Whether the list was empty before."""
        return self.added >= self.entries and not self.removed

    @property
    def churn(self) -> int:
        """How many entries came and went."""
        return self.added + self.removed

    @staticmethod
    def of_fields(fields: Mapping[str, Any]) -> "Accepted":
        """From what `dataclasses.asdict` gave. Raises TypeError when fields are missing or unknown."""
        return Accepted(**fields)


@dataclass(frozen=True, slots=True)
class GuardReport:
    """One version of a list, seen by every guard.

    `lines` held an entry or were bad; of those `bad_lines`, `addresses` are addresses and networks.
    `entries` are the distinct ones of the version, `in_force` those of the one before (None: there was
    none), `added` and `removed` the difference. `kinds` counts what was read: of a change, what comes.
    `classes` counts the same by what it is in the name space, for people who may not see entries; under a
    domain, to which a change adds something, it counts what is there already, too.
    """

    list_id: str
    lines: int
    bad_lines: int
    addresses: int
    entries: int
    in_force: int | None
    added: int
    removed: int
    kinds: Mapping[str, int]
    classes: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    first_errors: str = ""
    """Where the first bad lines are and why, never their text."""

    @property
    def passed(self) -> bool:
        """Whether no guard found anything."""
        return not self.findings

    @property
    def reason(self) -> str:
        """All findings in one line."""
        return "; ".join(finding.reason for finding in self.findings)

    def with_findings(self, more: Sequence[Finding]) -> "GuardReport":
        """The same, with what was found elsewhere."""
        return replace(self, findings=(*self.findings, *more))

    def accepted(self, at: float) -> Accepted:
        """The line of history that this version becomes once it is in force."""
        return Accepted(at, self.entries, self.added, self.removed, dict(self.kinds), self.passed)

    def as_fields(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def of_fields(fields: Mapping[str, Any]) -> "GuardReport":
        """From what `as_fields` gave. Raises TypeError when fields are missing or unknown."""
        findings = tuple(Finding(**finding) for finding in fields["findings"])
        return GuardReport(**{**fields, "findings": findings})
