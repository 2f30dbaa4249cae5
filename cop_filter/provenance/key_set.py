"""Whose signatures count for a list, and how those people hand over to others.

Like the root role of The Update Framework (TUF specification 1.0, section 5.3): a new set counts when
enough of the old and enough of the new sign it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cop_filter import signing
from cop_filter.errors import SignatureRefused
from cop_filter.provenance.cosigning import claim
from cop_filter.provenance.fields import Fields
from cop_filter.signing import PublicKey

KEYS = "keys"
"""The purpose that its signatures are made for."""

MAX_BYTES = 64 * 1024
MAX_KEYS = 32
_FORMAT = 1
_NAME = "key set"


@dataclass(frozen=True, slots=True)
class KeySet:
    """`threshold` of `keys` must sign. Version 0 is what an operator has configured."""

    list: str
    version: int
    threshold: int
    keys: tuple[PublicKey, ...]

    @staticmethod
    def read(said: Mapping[str, Any]) -> "KeySet":
        """Read what the document says. Raises ProvenanceFailed."""
        fields = Fields(said, _NAME)
        if said.get("type") != KEYS:
            fields.refuse("type")
        fields.integer("format", _FORMAT, _FORMAT)
        try:
            keys = tuple(PublicKey.parse(text) for text in fields.texts("keys", MAX_KEYS))
        except ValueError:
            fields.refuse("keys")
        if len(set(keys)) < len(keys) or not keys:
            fields.refuse("keys")
        return KeySet(
            list=fields.list_id("list"),
            version=fields.integer("version", 1),
            threshold=fields.integer("threshold", 1, len(keys)),
            keys=keys,
        )

    def said(self) -> dict[str, Any]:
        """What is to be signed."""
        return {
            "type": KEYS, "format": _FORMAT, "list": self.list, "version": self.version,
            "threshold": self.threshold, "keys": [str(key) for key in self.keys],
        }  # fmt: skip

    @staticmethod
    def path_of(version: int) -> str:
        """Where the set of this version lies beside the manifest."""
        return f"{version}.keys.json"

    def followed_by(self, raw: bytes, version: int) -> "KeySet":
        """The set that the document holds, when enough of this one and enough of its own keys signed it.

        Raises SignatureRefused when they did not, ProvenanceFailed when it is malformed.
        """
        found = KeySet.read(claim(raw))
        if found.list != self.list or found.version != version:
            raise SignatureRefused("it is the key set of another list, or of another version")
        signing.read(raw, KEYS, self.keys, self.threshold)
        signing.read(raw, KEYS, found.keys, found.threshold)
        return found
