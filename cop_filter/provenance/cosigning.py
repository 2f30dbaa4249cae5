"""Several people sign one document, one after the other, each with a key that only they have."""

import json
from collections.abc import Sequence
from typing import Any

from cop_filter import signing
from cop_filter.errors import SignatureRefused
from cop_filter.signing import SigningKey


def claim(raw: bytes) -> dict[str, Any]:
    """What a document says, whoever signed it: not to be believed yet. Raises SignatureRefused."""
    said, _ = _parts(raw)
    return said


def cosigned(raw: bytes, purpose: str, keys: Sequence[SigningKey]) -> bytes:
    """The document with the signatures of these keys beside those that it has. Raises SignatureRefused."""
    said, signatures = _parts(raw)
    new = json.loads(signing.seal(said, purpose, keys))["signatures"]
    replaced = {one["key"] for one in new}
    kept = [one for one in signatures if one.get("key") not in replaced]
    return json.dumps({"signed": said, "signatures": kept + new}, sort_keys=True, indent=1).encode() + b"\n"


def _parts(raw: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        document = json.loads(raw)
        said, signatures = document["signed"], document["signatures"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SignatureRefused("it is no signed document") from None
    well_formed = isinstance(signatures, list) and all(isinstance(one, dict) for one in signatures)
    if not isinstance(said, dict) or not well_formed:
        raise SignatureRefused("it is no signed document")
    return said, signatures
