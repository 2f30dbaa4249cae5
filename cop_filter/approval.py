"""Who has approved one version of a list, and whether that is enough. Pure.

An approval is a signed decision about one quarantined version. What it is worth is decided when it is
used: by the approvers that the configuration names then, and by what has gone live since.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cop_filter.config import ListConfig
from cop_filter.decision import Decision, Needed, Version, heard
from cop_filter.errors import SignatureRefused
from cop_filter.signing import Person


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


def account(said: Mapping[str, Any], version: Version, since: float) -> str | None:
    """Who approves this version after `since`, by a statement that is known to be theirs; None: nobody."""
    try:
        decision = Decision.of_said(said)
        decision.refuse_unless(Needed("approve", version, since))
    except SignatureRefused:
        return None
    return decision.by


def _says(document: bytes, person: Person, version: Version, since: float) -> bool:
    # The clock may have been set back since it was handed in, which is when the future was looked at.
    try:
        heard(document, [person], Needed("approve", version, since))
    except SignatureRefused:
        return False
    return True
