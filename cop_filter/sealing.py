"""Keys derived from the operator's one key, and the sealing of what must not lie in clear on disk."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cop_filter.errors import StateError
from cop_filter.verdict import Kind

AutomatonEntries = frozenset[tuple[int, Kind, str]]

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What each part of a generation is protected with (32 bytes each)."""

    index: bytes
    manifest: bytes
    patterns: bytes
    references: bytes

    @staticmethod
    def derive(key: bytes) -> "Keys":
        """All keys from the contents of the key file (HKDF-SHA256, RFC 5869)."""
        if len(key) != KEY_BYTES:
            raise StateError(
                f"the key file must hold {KEY_BYTES} bytes; restore it, or remove the state folder"
            )
        return Keys(*(_part(key, name) for name in ("index", "manifest", "patterns", "references")))


def _part(key: bytes, name: str) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"cop-filter {name} v1".encode()).derive(key)


def seal_entries(entries: Iterable[tuple[int, Kind, str]], key: bytes) -> bytes:
    """Patterns and keywords as a ChaCha20-Poly1305 box: the automaton needs their text."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, json.dumps(sorted(entries)).encode(), None)


def open_entries(box: bytes, key: bytes) -> AutomatonEntries:
    """Read back what `seal_entries` wrote; raises StateError when it is corrupt or foreign."""
    try:
        clear = ChaCha20Poly1305(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        raise StateError("patterns refused: corrupt, or sealed with another key") from None
    return frozenset((number, Kind(kind), text) for number, kind, text in json.loads(clear))
