"""A signed JSON document: what is said, and by whom. Pure.

The signature covers the purpose and the canonical form of what is said: an approval can never be
shown around as a list, nor a list of one purpose as another's.
"""

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cop_filter.errors import SignatureRefused
from cop_filter.signing.keys import PublicKey, SigningKey

MAX_BYTES = 1 << 20
_MAX_SIGNATURES = 64


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """What a document says, and which of the expected keys vouch for it."""

    said: Mapping[str, Any]
    signers: tuple[PublicKey, ...]


def canonical(said: Mapping[str, Any]) -> bytes:
    """The one way to write it: sorted keys, no white space, ASCII, no fractions."""
    return json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def seal(said: Mapping[str, Any], purpose: str, keys: Sequence[SigningKey]) -> bytes:
    """The document, signed by each of the keys."""
    message = _message(said, purpose)
    signatures = [
        {"key": key.public.id, "signature": base64.b64encode(key.sign(message)).decode()} for key in keys
    ]
    return json.dumps({"signed": said, "signatures": signatures}, sort_keys=True, indent=1).encode() + b"\n"


def read(raw: bytes, purpose: str, keys: Collection[PublicKey], threshold: int = 1) -> SignedDocument:
    """What the document says, if at least `threshold` different ones of `keys` signed it for this purpose.

    Signatures by other keys, and second ones by the same, count for nothing. Raises SignatureRefused.
    """
    said, signatures = _parse(raw)
    message = _message(said, purpose)
    signers = tuple(
        key
        for key in dict.fromkeys(keys)
        if any(key.signed(message, one) for one in signatures.get(key.id, ()))
    )
    if threshold < 1 or len(signers) < threshold:
        raise SignatureRefused(f"it has {len(signers)} of the {threshold} signatures that it needs")
    return SignedDocument(said, signers)


def _message(said: Mapping[str, Any], purpose: str) -> bytes:
    return f"cop-filter {purpose} v1\n".encode() + canonical(said)


def _parse(raw: bytes) -> tuple[dict[str, Any], dict[str, list[bytes]]]:
    if len(raw) > MAX_BYTES:
        raise SignatureRefused(f"it is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(
            raw, object_pairs_hook=_unique, parse_float=_no_fraction, parse_constant=_no_fraction
        )
        said, listed = document["signed"], document["signatures"]
        if not isinstance(said, dict) or not isinstance(listed, list) or len(listed) > _MAX_SIGNATURES:
            raise TypeError
        signatures: dict[str, list[bytes]] = {}
        for one in listed:
            signatures.setdefault(str(one["key"]), []).append(
                base64.b64decode(one["signature"], validate=True)
            )
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise SignatureRefused("it is no signed document") from None
    return said, signatures


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one document must not read two things."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _no_fraction(_: str) -> None:
    raise ValueError
