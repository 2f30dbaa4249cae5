"""The digest of a set of lines, whatever their order; it follows a change without the lines that stay. Pure.

Each line is hashed to a number of 3072 bits, and these are added up (AdHash: Bellare and Micciancio, "A New
Paradigm for Collision-free Hashing", 1997). So wide a sum is what makes the generalised birthday attack
(Wagner, 2002) on it cost about 2**110.
"""

import hashlib
from collections.abc import Iterable
from typing import Self

_BYTES = 384
_MODULUS = 1 << (8 * _BYTES)


class ZoneDigest:
    """The sum so far. Whoever knows it can test guesses of a list of one line, and of no longer one."""

    def __init__(self, total: int = 0) -> None:
        self._total = total

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """The sum that `to_bytes` gave. Raises ValueError when it has another length."""
        if len(state) != _BYTES:
            raise ValueError("a sum of another length")
        return cls(int.from_bytes(state, "little"))

    def copy(self) -> Self:
        """The same sum, to be changed on its own."""
        return type(self)(self._total)

    def to_bytes(self) -> bytes:
        """The sum, to go on from."""
        return (self._total % _MODULUS).to_bytes(_BYTES, "little")

    def add(self, lines: Iterable[str]) -> None:
        """Count lines in; one that is there twice counts twice."""
        self._total += _sum(lines)

    def remove(self, lines: Iterable[str]) -> None:
        """Count lines out that were counted in."""
        self._total -= _sum(lines)

    def hexdigest(self) -> str:
        """SHA-256 over the sum, in hex."""
        return hashlib.sha256(b"cop-filter zone v1\n" + self.to_bytes()).hexdigest()


def _sum(lines: Iterable[str]) -> int:
    shake, number = hashlib.shake_128, int.from_bytes
    return sum(number(shake(line.encode()).digest(_BYTES), "little") for line in lines)
