"""Sealed files that belong to one list of a generation: what a change of it, or a test of it, needs.

Each is sealed with a key of its own list and name, so that no box can stand in for another; the manifest
has the digest of each, so that no older one of the same list can.
"""

import hashlib
import hmac
import re

from cop_filter.errors import StateError
from cop_filter.sealing import seal, unseal

_NAME = re.compile(r"[a-z]+", re.ASCII)


def file_name(list_id: str, name: str) -> str:
    """Its name in the generation's folder. A `name` is a word of our own: `prints`, `canaries`, `domains`."""
    if not _NAME.fullmatch(name):
        raise ValueError("an attachment's name is made of small letters")
    return f"attached-{name}-{list_id}"


def seal_attachment(list_id: str, name: str, clear: bytes, key: bytes) -> bytes:
    """The box of an attachment, with `Keys.attachments`."""
    return seal(clear, _own_key(list_id, name, key))


def open_attachment(list_id: str, name: str, box: bytes, key: bytes, digest: str) -> bytes:
    """Read back what was sealed. Raises StateError when it is corrupt, foreign, or another one."""
    if not hmac.compare_digest(box_digest(box), digest):
        raise StateError(f"the {name} of list {list_id} are refused: not those of this generation")
    return unseal(box, _own_key(list_id, name, key))


def box_digest(box: bytes) -> str:
    """What the manifest says of a box: SHA-256 (hex)."""
    return hashlib.sha256(box).hexdigest()


def _own_key(list_id: str, name: str, key: bytes) -> bytes:
    return hmac.digest(key, f"{name}/{list_id}".encode(), hashlib.sha256)
