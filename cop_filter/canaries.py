"""Canaries: harmless entries that a list must hold, and that are asked for to see that it is enforced.

They are declared in the configuration, by the authority's signed manifest, or in the list itself (a member
or a column `canary`). A generation keeps those of each list beside it, sealed. Pure.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from cop_filter import verdict
from cop_filter.entries import Entry, parse_many
from cop_filter.errors import StateError
from cop_filter.manifest import Manifest
from cop_filter.verdict import Kind, Plane

ATTACHMENT = "canaries"
"""The name of the file of a generation that holds a list's canaries."""
MOST = 100
"""Of one list. Those of the configuration come first, then the manifest's, then those marked in the list."""
SELF_TEST = verdict.SELF_TEST
"""The list of the operator's own that every generation holds, with one host."""
SELF_TEST_HOST = "selftest.cop-filter.invalid"
"""Always blocked, and asked for by nobody else: whether enforcement works shows at it alone."""
CONTROL_HOST = "control.cop-filter.invalid"
"""No list holds it, so it must never be blocked."""


class Question(NamedTuple):
    """What to ask for so that an entry decides; `url` is None where the host alone does."""

    host: str
    url: str | None


class Canary(NamedTuple):
    """One canary of a list that is enforced, where, and for the clients of which profile (None: all)."""

    list_id: str
    entry: Entry
    planes: tuple[Plane, ...]
    profile: str | None = None


class Gathering:
    """Gathers the canaries of one list while it streams by.

    `declared` are those of the configuration and of the authority's manifest, in the plain list grammar; what
    is no entry is left out. `held` are those that the list has, when only what changes streams by.
    """

    def __init__(self, declared: Sequence[str], held: Iterable[Entry] = ()) -> None:
        entries = (entry for entry in parse_many(list(declared)) if isinstance(entry, Entry))
        self._declared = dict.fromkeys(entries)
        self._marked: dict[Entry, None] = {}
        self.add(held)

    def add(self, marked: Iterable[Entry]) -> None:
        """Take in what a chunk marks as canaries, as far as there is room."""
        for entry in marked:
            if len(self._marked) >= MOST:
                return
            self._marked[entry] = None

    def remove(self, entries: Collection[Entry]) -> None:
        """Leave out what the list holds no more."""
        for entry in entries:
            self._marked.pop(entry, None)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, MOST at most."""
        return tuple({**self._declared, **self._marked})[:MOST]


def to_bytes(entries: Iterable[Entry]) -> bytes:
    """How a generation keeps them, before they are sealed."""
    return json.dumps(list(entries)).encode()


def from_bytes(raw: bytes) -> tuple[Entry, ...]:
    """What `to_bytes` made. Raises StateError."""
    try:
        return tuple(
            Entry(Kind(kind), str(key), int(tag), bool(below), bool(query))
            for kind, key, tag, below, query in json.loads(raw)
        )
    except (ValueError, TypeError):
        raise StateError("a generation's canaries are corrupt; run `cop-filter sync`") from None


def question(entry: Entry) -> Question:
    """What a client would ask for that the entry must stop."""
    match entry.kind:
        case Kind.DOMAIN | Kind.HOST:
            return Question(f"canary.{entry.key}" if entry.only_below else entry.key, None)
        case Kind.KEYWORD:
            return Question(CONTROL_HOST, f"http://{CONTROL_HOST}/{entry.key}")
        case _:
            address = entry.key.replace("*", "x")
            return Question(address.partition("/")[0], f"http://{address}")


class Generation(Protocol):
    """What is needed of a generation."""

    @property
    def manifest(self) -> Manifest: ...
    def attachment(self, list_id: str, name: str) -> bytes | None: ...


def of_generation(generation: Generation) -> tuple[Canary, ...]:
    """The canaries of all lists that a generation enforces. Raises StateError."""
    found: list[Canary] = []
    for state in generation.manifest.lists:
        policy = state.policy
        if policy.mode != "enforce":
            continue
        if policy.id == SELF_TEST:
            entries: tuple[Entry, ...] = (Entry(Kind.HOST, SELF_TEST_HOST),)
        else:
            raw = generation.attachment(policy.id, ATTACHMENT)
            entries = () if raw is None else from_bytes(raw)
        profile = next(
            (profile.id for profile in generation.manifest.profiles if policy.id in profile.lists), None
        )
        found += [Canary(policy.id, entry, policy.planes, profile) for entry in entries]
    return tuple(found)
