"""JSON that people may read and that only this state folder's key can have written. Pure."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from cop_filter.errors import StateError

T = TypeVar("T")


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


def with_any(keys: Sequence[bytes], read: Callable[[bytes], T]) -> T:
    """What `read` makes with the first key that it does not refuse; the index keys may have been rotated.

    Raises StateError when it refuses all of them.
    """
    for key in keys[:-1]:
        with contextlib.suppress(StateError):
            return read(key)
    return read(keys[-1])


def _code(body: bytes, key: bytes, purpose: str) -> bytes:
    message = f"cop-filter {purpose} v1\n".encode() + body
    return hmac.digest(key, message, hashlib.sha256).hex().encode()
