"""Ed25519 keys (RFC 8032): how they are written, read and kept."""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cop_filter import private_file
from cop_filter.errors import SignatureRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PREFIX = "ed25519:"
KEY_BYTES = 32
_MAX_FILE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key; `raw` are its 32 bytes."""

    raw: bytes

    @staticmethod
    def parse(text: str) -> "PublicKey":
        """Read `ed25519:BASE64`. Raises ValueError."""
        try:
            raw = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not text.startswith(_PREFIX) or len(raw) != KEY_BYTES:
            raise ValueError(f"must be a public key, written {_PREFIX} and 44 characters of base64")
        return PublicKey(raw)

    def __str__(self) -> str:
        return _PREFIX + base64.b64encode(self.raw).decode()

    @property
    def id(self) -> str:
        """What a signature names its key by: 32 hexadecimal digits."""
        return hashlib.sha256(self.raw).hexdigest()[:32]

    def signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the owner of this key signed the message."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  slow to import
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Person(NamedTuple):
    """Somebody whose signature counts: `name` is shown and audited. Written `NAME ed25519:BASE64`."""

    name: str
    key: PublicKey


class SigningKey:
    """One private key. It shows itself nowhere."""

    __slots__ = ("_private", "public")

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes_raw())

    @staticmethod
    def generate() -> "SigningKey":
        """A new key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        return SigningKey(Ed25519PrivateKey.generate())

    @staticmethod
    def load(path: Path) -> "SigningKey":
        """Read a PEM file (PKCS #8, RFC 5958) that nobody but its owner may read. Raises SignatureRefused."""
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            private = load_pem_private_key(private_file.read(path, _MAX_FILE_BYTES), password=None)
        except private_file.ReadableByOthersError:
            raise SignatureRefused("the key file is readable by others: chmod 600 it") from None
        except OSError as error:
            raise SignatureRefused(f"the key file cannot be read: {error.strerror}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise SignatureRefused("the key file holds no unencrypted Ed25519 private key in PEM")
        return SigningKey(private)

    def save(self, path: Path) -> None:
        """Write a new file for its owner's eyes, synced to disk. Raises OSError."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

        pem = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())

    def sign(self, message: bytes) -> bytes:
        """64 bytes that only this key can make for this message."""
        return self._private.sign(message)
