"""JSON that people may read and that only this state folder's key can have written. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cop_filter.errors import StateError


def write(said: Mapping[str, Any], key: bytes, purpose: str) -> bytes:
    """A line with an authentication code (HMAC-SHA256, hex) over purpose and JSON, then the JSON."""
    body = json.dumps(said, sort_keys=True, indent=1).encode()
    return _code(body, key, purpose) + b"\n" + body + b"\n"


def read(raw: bytes, key: bytes, purpose: str) -> dict[str, Any]:
    """Read what `write` wrote for this purpose. Raises StateError."""
    code, _, body = raw.partition(b"\n")
    if not hmac.compare_digest(code, _code(body.removesuffix(b"\n"), key, purpose)):
        raise StateError("it was changed, or written with a key that this state_dir has no longer")
    said: dict[str, Any] = json.loads(body)
    return said


def _code(body: bytes, key: bytes, purpose: str) -> bytes:
    message = f"cop-filter {purpose} v1\n".encode() + body
    return hmac.digest(key, message, hashlib.sha256).hex().encode()
