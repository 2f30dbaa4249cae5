"""The question and the answer that travel between an enforcement point and the engine."""

from enum import StrEnum
from typing import NamedTuple


class Plane(StrEnum):
    """Where a question was asked: a DNS query, a TLS or CONNECT target, an HTTP request."""

    DNS = "dns"
    TLS = "tls"
    HTTP = "http"

    __hash__ = str.__hash__  # an enum's own is a Python function, and planes are looked up per question


class Action(StrEnum):
    """What the enforcement point does."""

    ALLOW = "allow"
    BLOCK = "block"
    STEER = "steer"
    """DNS only: answer with the proxy stage's address, because some URLs of this host are listed."""
    OBSERVE = "observe"
    """Dry run: let it pass and count it."""


class LegalBasis(StrEnum):
    """Why the operator enforces a list; decides the Extended DNS Error (RFC 8914)."""

    ORDER = "order"
    MEMBERSHIP = "membership"
    SUBSCRIBER = "subscriber"


class Answer(StrEnum):
    """How the resolver answers for a blocked name."""

    SPLASH = "splash"
    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    REFUSED = "refused"


class Kind(StrEnum):
    """What an entry covers."""

    DOMAIN = "domain"
    """A host and all its subdomains (`subdomains only` where the list says `*.name`)."""
    HOST = "host"
    URL = "url"
    PREFIX = "prefix"
    PATTERN = "pattern"
    KEYWORD = "keyword"

    __hash__ = str.__hash__  # as above: entries are counted by it, a million at a time


class Spelling(StrEnum):
    """Whether a browser would tell the asked spelling from the listed one (`folded`) or not."""

    EXACT = "exact"
    FOLDED = "folded"


SELF_TEST = "self-test"
"""The operator's own list, whose one entry is there to be asked for."""


def is_confidential(list_id: str | None, legal_basis: LegalBasis | None) -> bool:
    """Whether the entries of a list are a secret: an authority's are, what a subscriber chose is not."""
    return legal_basis not in (None, LegalBasis.SUBSCRIBER) and list_id != SELF_TEST


class Query(NamedTuple):
    """One question. `url` is given where the plane knows it; else `host` is all there is.

    `profile` is the id of the asking client's profile; None: everyone else.
    """

    plane: Plane
    host: str | bytes
    url: str | bytes | None = None
    profile: str | None = None


class Verdict(NamedTuple):
    """The one answer, with its evidence. Enforcement points read this and nothing else.

    Verdicts are shared: two questions that meet the same list, kind and spelling get one object.
    `reference` is filled by `Engine.explain` only: an opaque keyed hash of the matched entry, stable
    across generations, useless without the operator's key, and never shown to a client.
    """

    action: Action
    generation: int
    list_id: str | None = None
    authority: str | None = None
    category: str | None = None
    legal_basis: LegalBasis | None = None
    answer: Answer | None = None
    kind: Kind | None = None
    spelling: Spelling | None = None
    reference: int | None = None

    @property
    def stops(self) -> bool:
        """True when the thing asked for must not reach the client as it is."""
        return self.action is Action.BLOCK

    @property
    def steers(self) -> bool:
        """True when the client is led to the proxy stage, because some pages of the host are listed."""
        return self.action is Action.STEER
