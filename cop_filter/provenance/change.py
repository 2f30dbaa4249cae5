"""What changed between two versions of a list: the lines that come, and those that go."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from cop_filter.errors import ProvenanceFailed
from cop_filter.provenance.fields import Fields, refuse

_NAME = "list's change"


@dataclass(frozen=True, slots=True)
class Change:
    """`base` is the digest of the list that it changes, `result` the entries digest of what that becomes."""

    base: str
    add: tuple[str, ...]
    remove: tuple[str, ...]
    result: str

    @staticmethod
    def read(raw: bytes) -> "Change":
        """Read the file. Raises ProvenanceFailed, without repeating a line."""
        try:
            said = json.loads(raw)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            refuse(_NAME, "its first byte")
        fields = Fields(said, _NAME)
        change = Change(
            fields.digest("base"),
            fields.texts("add", len(raw)),
            fields.texts("del", len(raw)),
            fields.digest("result"),
        )
        if not set(change.add).isdisjoint(change.remove):
            refuse(_NAME, "del")
        return change

    def to_bytes(self) -> bytes:
        """The file."""
        said = {"base": self.base, "add": self.add, "del": self.remove, "result": self.result}
        return json.dumps(said, separators=(",", ":")).encode() + b"\n"

    @staticmethod
    def between(base: str, old: frozenset[str], new: frozenset[str], result: str) -> "Change":
        """What makes the lines `new` of the lines `old`."""
        return Change(base, tuple(sorted(new - old)), tuple(sorted(old - new)), result)


def composed(changes: Sequence[Change]) -> tuple[Collection[str], Collection[str]]:
    """The lines that come and those that go when all changes are made, in order; each once.

    Raises ProvenanceFailed when one of them cannot follow those before it.
    """
    if len(changes) == 1:
        return changes[0].add, changes[0].remove
    come: set[str] = set()
    go: set[str] = set()
    for change in changes:
        add, remove = set(change.add), set(change.remove)
        if not (add.isdisjoint(come) and remove.isdisjoint(go)):
            raise ProvenanceFailed("the list's changes contradict each other")
        come, go = (come - remove) | (add - go), (go - add) | (remove - come)
    return come, go
