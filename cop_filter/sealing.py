"""Keys derived from the operator's one key, and the sealing of what must not lie in clear on disk."""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass

from cop_filter.errors import StateError
from cop_filter.index import AutomatonEntries
from cop_filter.verdict import Kind

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What each part of a generation is protected with (32 bytes each)."""

    index: bytes
    manifest: bytes
    patterns: bytes
    references: bytes
    attachments: bytes
    quarantine: bytes

    @staticmethod
    def derive(key: bytes) -> "Keys":
        """All keys from the contents of the key file (HKDF-SHA256, RFC 5869)."""
        if len(key) != KEY_BYTES:
            raise StateError(
                f"the key file must hold {KEY_BYTES} bytes; restore it, or remove the state folder"
            )
        # Extract (RFC 5869 §2.2); without a salt it is a string of zeros.
        pseudorandom = hmac.digest(bytes(KEY_BYTES), key, hashlib.sha256)
        return Keys(*(_part(pseudorandom, name) for name in Keys.__slots__))


def _part(pseudorandom: bytes, name: str) -> bytes:
    """Expand (RFC 5869 §2.3); a part is as long as one hash, so the first block is all of it."""
    return hmac.digest(pseudorandom, f"cop-filter {name} v1".encode() + b"\x01", hashlib.sha256)


def seal(clear: bytes, key: bytes, about: bytes = b"") -> bytes:
    """A ChaCha20-Poly1305 box (RFC 8439): its nonce, then what is sealed and authenticated.

    `about` says what the box is: it is opened as that and as nothing else.
    """
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415  slow to import

    nonce = os.urandom(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(key).encrypt(nonce, clear, about)


def unseal(box: bytes, key: bytes, about: bytes = b"") -> bytes:
    """Read back what `seal` wrote; raises StateError when it is corrupt or foreign."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  slow to import
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    try:
        return ChaCha20Poly1305(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        raise StateError("what was sealed is refused: corrupt, or sealed with another key") from None


_UNKNOWN_TEXTS = 2


def seal_entries(entries: AutomatonEntries, key: bytes) -> bytes:
    """Patterns and keywords as a ChaCha20-Poly1305 box: the automaton needs their text.

    Where there are none, a code stands for that: most generations are opened without a cipher then.
    """
    listed = [(*entry, texts) for entry, texts in sorted(entries.items())]
    if not listed:
        return _none_sealed(key)
    return seal(json.dumps(listed).encode(), key)


def open_entries(box: bytes, key: bytes) -> AutomatonEntries:
    """Read back what `seal_entries` wrote; raises StateError when it is corrupt or foreign.

    Boxes from before texts were counted may hold several for any entry.
    """
    if hmac.compare_digest(box, _none_sealed(key)):
        return {}
    return {
        (number, Kind(kind), text): texts[0] if texts else _UNKNOWN_TEXTS
        for number, kind, text, *texts in json.loads(unseal(box, key))
    }


def _none_sealed(key: bytes) -> bytes:
    return hmac.digest(key, b"no patterns and no keywords", hashlib.sha256)
