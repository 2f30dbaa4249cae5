"""Fingerprints of a list's lines: they prove that a change, applied, gives the list that was meant.

A fingerprint is the first 16 bytes of the SHA-256 (FIPS 180-4) of a line's UTF-8. Those of a list are kept
ascending, none twice, one after the other. Whoever knows them can test a guess of a line: they are kept
sealed, and never shown.
"""

import hashlib
from collections.abc import Sequence

from cop_filter import _native

PRINT_BYTES = 16


def of_lines(lines: Sequence[str]) -> bytes:
    """The fingerprints of lines. Raises ValueError for a line that has no UTF-8 (a lone surrogate)."""
    return _native.fingerprints_of_lines(lines if isinstance(lines, list) else list(lines))


def of_body(body: bytes) -> bytes:
    """The fingerprints of a body's lines. Raises ValueError where one is there twice, or it is no UTF-8."""
    return _native.fingerprints_of_body(body)


def digest(prints: bytes) -> str:
    """What names a version of a list: SHA-256 (hex) over all its fingerprints."""
    return hashlib.sha256(prints).hexdigest()


def change(prints: bytes, removed: bytes, added: bytes) -> bytes:
    """The fingerprints of a list after a change, in time linear in all three.

    Raises ValueError when a removed one is missing, an added one is there, or they are in disorder.
    """
    return _native.change_fingerprints(prints, removed, added)
