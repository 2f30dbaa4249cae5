"""A quarantined list as it came, sealed in pieces: memory holds it once, and no piece can be moved.

::

    piece = length (4 bytes, big-endian), box
    box   = sealed with "quarantine <id> <number> <last or more>"
    clear = a line of JSON with the names and sizes of the parts, then the parts
"""

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from cop_filter.errors import StateError
from cop_filter.sealing import seal, unseal

PIECE_BYTES = 1 << 20
_MOST_BOX_BYTES = 16 * PIECE_BYTES
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Body:
    """What a source handed over: a list's parts by file name, and for a change also the lines that go."""

    raw: Mapping[str, bytes]
    removed: bytes = b""


def write(path: Path, body: Body, item: str, key: bytes) -> None:
    """Seal a list into a new file, and sync it to disk. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        pieces = _pieces(body)
        number, piece = 0, next(pieces)
        for following in itertools.chain(pieces, [None]):
            box = seal(piece, key, _about(item, number, last=following is None))
            file.write(len(box).to_bytes(_LENGTH_BYTES, "big") + box)
            if following is not None:
                number, piece = number + 1, following
        file.flush()
        os.fsync(file.fileno())


def read(path: Path, item: str, key: bytes) -> Body:
    """The list again. Raises StateError when it was changed or is of another item or key, and OSError."""
    with path.open("rb") as file:
        pieces = _unsealed(file, item, key)
        head, _, rest = next(pieces).partition(b"\n")
        sizes: list[tuple[str, int]] = json.loads(head)
        clear = bytearray(rest)
        for piece in pieces:
            clear += piece
    parts: list[tuple[str, bytes]] = []
    # From the end, so that what was taken out is not held twice.
    for name, size in reversed(sizes):
        start = len(clear) - size
        with memoryview(clear) as view:
            parts.append((name, bytes(view[start:])))
        del clear[start:]
    (_, removed), *others = parts
    return Body(dict(reversed(others)), removed)


def _pieces(body: Body) -> Iterator[bytes]:
    parts = [*body.raw.items(), ("", body.removed)]
    yield json.dumps([(name, len(content)) for name, content in parts]).encode() + b"\n"
    for _, content in parts:
        for start in range(0, len(content), PIECE_BYTES):
            yield content[start : start + PIECE_BYTES]


def _unsealed(file: BufferedReader, item: str, key: bytes) -> Iterator[bytes]:
    number, last = 0, False
    while not last:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
        if not 0 < length <= _MOST_BOX_BYTES:
            raise StateError("the quarantined list is refused: it was cut or changed")
        box = file.read(length)
        last = not file.peek(1)
        yield unseal(box, key, _about(item, number, last=last))
        number += 1


def _about(item: str, number: int, *, last: bool) -> bytes:
    return f"quarantine {item} {number} {'last' if last else 'more'}".encode()
