"""Who has approved one version of a list, and whether that is enough. Pure.

An approval is a signed statement about one quarantined version. What it is worth is decided when it is
used: by the approvers that the configuration names then, and by what has gone live since.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cop_filter import signing
from cop_filter.config import ListConfig
from cop_filter.errors import SignatureRefused
from cop_filter.signing import Person, SigningKey

_PURPOSE = "approval"


@dataclass(frozen=True, slots=True)
class Version:
    """What is approved: the version with this digest of this list, quarantined under this id."""

    item: str
    list_id: str
    digest: str


def statement(version: Version, approver: str, at: int) -> dict[str, str | int]:
    """What an approver says; `at` is in Unix seconds."""
    return {
        "quarantine": version.item,
        "list": version.list_id,
        "digest": version.digest,
        "approver": approver,
        "at": at,
    }


def sign(version: Version, approver: str, at: int, key: SigningKey) -> bytes:
    """The statement as a signed document."""
    return signing.seal(statement(version, approver, at), _PURPOSE, [key])


def approvers(
    documents: Iterable[bytes], wanted: ListConfig, version: Version, since: float
) -> tuple[Person, ...]:
    """Those of the list's approvers who approve this very version, each once.

    Approvals up to `since` (Unix seconds), when another version went live, are over.
    """
    given = list(documents)
    return tuple(
        person
        for person in wanted.approvers
        if any(_says(document, person, version, since) for document in given)
    )


def enough(people: Iterable[Person], wanted: ListConfig) -> bool:
    """Whether so many different people, with different keys, are what the list asks for."""
    counted = list(people)
    different = min(len({person.name for person in counted}), len({person.key for person in counted}))
    return bool(wanted.approvers) and different >= max(1, wanted.approvals)


def is_given(said: object, version: Version, approver: str, since: float) -> bool:
    """Whether somebody who is known to be `approver` approves this version after `since`."""
    at = said.get("at") if isinstance(said, dict) else None
    if not isinstance(at, int) or isinstance(at, bool):
        return False
    return at > since and said == statement(version, approver, at)


def _says(document: bytes, person: Person, version: Version, since: float) -> bool:
    try:
        said = signing.read(document, _PURPOSE, [person.key]).said
    except SignatureRefused:
        return False
    return is_given(said, version, person.name, since)
