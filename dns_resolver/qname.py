"""Names between the wire and the engine.

A label may hold any byte, a host name may not. What decides is the part that is a host name: the
leading labels up to and including the last odd one become the one label `_`, so that
`<odd>.bad.example` is still below `bad.example`, and never equal to a listed host.
"""

from collections.abc import Iterator, Sequence
from string import ascii_letters, digits
from typing import Protocol
from unicodedata import normalize

from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action, Plane, Query, Verdict

_ODD = "_"
_IDEOGRAPHIC_DOT = "\u3002"
"""The one label separator of UTS 46 §2.3 that no compatibility form turns into a full stop."""
_NOT_ASCII = bytes(range(0x80, 0x100))
_PLAIN = (ascii_letters + digits + "-_").encode()


class Decider(Protocol):
    """The part of the engine that the resolver needs."""

    @property
    def generation(self) -> int: ...

    def decide_host(self, name: str, plane: str = "dns", profile: str | None = None) -> Verdict: ...

    def explain(self, query: Query) -> Verdict: ...

    def protects(self, host: str | bytes) -> bool: ...

    def decide_hosts(self, names: Sequence[str], plane: str = "dns") -> Sequence[Verdict | InvalidUrl]: ...


def labels(name: bytes) -> list[bytes]:
    """Labels of a well-formed name in wire form."""
    found = []
    at = 0
    while length := name[at]:
        found.append(name[at + 1 : at + 1 + length])
        at += 1 + length
    return found


def text(labels_: Sequence[bytes]) -> str:
    """The labels as lower-case text for the engine; the root is the empty text."""
    joined = b".".join(labels_)
    if not joined.translate(None, _PLAIN + b".") and joined.count(b".") == max(len(labels_) - 1, 0):
        return joined.decode("ascii").lower()
    readable: list[str] = []
    for label in reversed(labels_):
        plain = _readable(label)
        if plain is None:
            readable.append(_ODD)
            break
        readable.append(plain)
    return ".".join(reversed(readable))


def _readable(label: bytes) -> str | None:
    """A label in host-name letters, or in UTF-8 (some clients send U-labels raw); else None."""
    try:
        decoded = label.decode("utf-8").lower()
    except UnicodeDecodeError:
        return None
    # Many a character stands for a dot or another delimiter, which a label holds as itself only.
    folded = decoded if label.isascii() else normalize("NFKC", decoded)
    if _IDEOGRAPHIC_DOT in folded or folded.encode().translate(None, _PLAIN + _NOT_ASCII):
        return None
    return decoded


def decide(engine: Decider, host: str, profile: str | None = None) -> Verdict:
    """The engine's verdict on a name as `text` gives it; a name it cannot read is not listed.

    `profile` is the asking client's; None: everyone else.

    A label that no host may hold (broken Punycode) must not hide the listed name behind it, so such
    labels are cut off from the left until the rest can be read.
    """
    for name in _names(host):
        try:
            return engine.decide_host(name, profile=profile)
        except InvalidUrl:
            continue
    return Verdict(Action.ALLOW, engine.generation)


def entry(engine: Decider, host: str, profile: str | None = None) -> int | None:
    """The opaque reference of the entry that decides on a name, as `decide` does; None: there is none."""
    for name in _names(host):
        try:
            return engine.explain(Query(Plane.DNS, name, profile=profile)).reference
        except InvalidUrl:
            continue
    return None


def is_protected(engine: Decider, host: str) -> bool:
    """Whether no list can block a name; read like `decide` does."""
    return any(engine.protects(name) for name in _names(host))


def _names(host: str) -> Iterator[str]:
    """The names that a name may have to be read as, the first one that can be counts."""
    if not host:
        return
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield f"{_ODD}.{host}"
