"""The files that a log lies in: their order, and where they end."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cop_filter.audit.line import MAX_BYTES
from cop_filter.errors import AuditBroken

LOCK = "lock"
_DIGITS = 12


class Extent(NamedTuple):
    """A file of the log, and how much of it there was when the lock was held."""

    path: Path
    size: int


class End(NamedTuple):
    """Where the next line goes: the last whole line of all files (None: there is none), and the last file.

    `whole` is how much of `path` are whole lines, and `torn` what follows of one that a crash tore.
    """

    last: bytes | None
    path: Path | None
    whole: int
    torn: int


def logs(folder: Path) -> list[Path]:
    """The log's files, in their order. Raises OSError."""
    return sorted(path for path in folder.glob("*.jsonl") if path.stem.isdigit())


def name_of(number: int) -> str:
    """What the file is called that begins with a line."""
    return f"{number:0{_DIGITS}d}.jsonl"


def extents(folder: Path) -> list[Extent]:
    """What there is to read. Raises OSError."""
    return [Extent(path, path.stat().st_size) for path in logs(folder)]


def end(folder: Path) -> End:
    """Where the log ends; only for who holds the lock. Raises OSError, AuditBroken."""
    found = extents(folder)
    if not found:
        return End(None, None, 0, 0)
    last, torn = _last_line(found[-1])
    path, whole = found[-1].path, found[-1].size - torn
    # A crash right after a file was begun leaves it without a line.
    for extent in found[-2::-1]:
        if last is not None:
            break
        last, cut = _last_line(extent)
        if cut:
            raise AuditBroken(f"the last line of {extent.path.name} was cut")
    return End(last, path, whole, torn)


def _last_line(extent: Extent) -> tuple[bytes | None, int]:
    """The last whole line of a file, if it has one, and the length of what follows it."""
    with extent.path.open("rb") as file:
        file.seek(max(0, extent.size - 2 * MAX_BYTES))
        piece = file.read()
    complete = piece[: piece.rfind(b"\n") + 1]
    torn = len(piece) - len(complete)
    if torn > MAX_BYTES:
        raise AuditBroken("the audit log ends with something that is no line")
    return (complete[:-1].rpartition(b"\n")[2] if complete else None), torn


def lines(found: list[Extent]) -> Iterator[tuple[Path, bytes, bool]]:
    """Each line without its end, with its file, and whether it is whole. Raises OSError, AuditBroken."""
    for path, size in found:
        with path.open("rb") as file:
            left = size
            while left and (raw := file.readline(min(left, MAX_BYTES + 1))):
                left -= len(raw)
                if len(raw) > MAX_BYTES:
                    raise AuditBroken(f"a line of {path.name} is longer than any that is written")
                yield path, raw.removesuffix(b"\n"), raw.endswith(b"\n")
