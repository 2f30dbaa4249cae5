"""Reads a whole log against what is known of it: every edit, deletion, insertion, exchange or cut shows."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from cop_filter import file_lock
from cop_filter.audit import checkpoint, files
from cop_filter.audit.chain import CHECKPOINT
from cop_filter.audit.checkpoint import EMPTY, Head
from cop_filter.audit.files import Extent
from cop_filter.audit.line import Line, digest, read
from cop_filter.errors import AuditBroken, StateError
from cop_filter.signing import PublicKey


@dataclass(frozen=True, slots=True)
class Verified:
    """A log that is whole: its head, when its checkpoint was signed (Unix seconds), by whom.

    `torn`: behind the last line is the piece of one that a crash tore; the next writer removes it.
    """

    head: Head
    at: int
    key: PublicKey
    torn: bool


def verify(
    folder: Path,
    keys: Collection[PublicKey],
    *,
    exported: bytes | None = None,
    heads: Collection[Head] = (),
) -> Verified:
    """Read all of a log, which must bear a signature of one of `keys`.

    `exported` is an earlier checkpoint that was kept elsewhere, and `heads` are heads that somebody else
    recorded: the log must still contain what they had seen. Raises AuditBroken, saying where the log
    begins to differ, and StateError when it cannot be read.
    """
    try:
        with file_lock.held(folder / files.LOCK, to_read=True):
            found = files.extents(folder)
            raw = (folder / CHECKPOINT).read_bytes()
    except FileNotFoundError:
        if files.logs(folder):
            raise AuditBroken("the audit log has no checkpoint: it was removed") from None
        raise AuditBroken("there is no audit log: none was begun, or all of it was removed") from None
    except OSError as error:
        raise _unreadable(error) from None
    own = checkpoint.read(raw, keys)
    known = [own.head, *heads]
    if exported is not None:
        known.append(checkpoint.read(exported, keys).head)
    last, torn = _walk(found, keys, own.head, known)
    behind = max(head.lines for head in known)
    if last.lines < behind:
        raise AuditBroken(
            f"the audit log ends with line {last.lines} and had {behind}: its end was cut off, "
            "or an older log was put in its place"
        )
    return Verified(last, own.at, own.key, torn)


def lines(folder: Path) -> Iterator[Line]:
    """Every line, to be shown; whether they are true is for `verify`. Raises AuditBroken, StateError."""
    try:
        with file_lock.held(folder / files.LOCK, to_read=True):
            found = files.extents(folder)
        for path, raw, whole in files.lines(found):
            if whole:
                yield _read(raw, path)
    except OSError as error:
        raise _unreadable(error) from None


def _walk(
    found: list[Extent], keys: Collection[PublicKey], own: Head, known: list[Head]
) -> tuple[Head, bool]:
    """The head that the lines lead to, and whether a torn piece follows."""
    digests = {head.lines: {one.digest for one in known if one.lines == head.lines} for head in known}
    head, file = EMPTY, None
    _match(head, digests)
    for path, raw, whole in files.lines(found):
        begins = path != file
        if begins and int(path.stem) != head.lines + 1:
            raise AuditBroken(f"{path.name} does not follow line {head.lines}: lines before it are missing")
        file = path
        if not whole:
            if path != found[-1].path:
                raise AuditBroken(f"the last line of {path.name} was cut")
            return head, True
        line = _read(raw, path)
        if line.number != head.lines + 1 or line.before != head.digest:
            raise AuditBroken(
                f"line {line.number} does not follow line {head.lines}: "
                "one of the two was changed, or lines were taken out, put in or moved"
            )
        head = Head(line.number, digest(raw))
        _match(head, digests)
        # The checkpoint vouches for all lines up to its own; one more may be there after a crash.
        if head.lines > own.lines and (head.lines > own.lines + 1 or not line.is_by(keys)):
            raise AuditBroken(f"line {head.lines} is not vouched for: it was added by somebody else")
    return head, False


def _match(head: Head, digests: dict[int, set[str]]) -> None:
    if digests.get(head.lines, {head.digest}) != {head.digest}:
        raise AuditBroken(
            f"line {head.lines} is not the one that was signed: it or one before it was changed, "
            "or the whole log was exchanged"
        )


def _read(raw: bytes, path: Path) -> Line:
    try:
        return read(raw)
    except AuditBroken as error:
        raise AuditBroken(f"something in {path.name} {error}") from None


def _unreadable(error: OSError) -> StateError:
    return StateError(f"the audit log cannot be read: {error.strerror}; run this as its owner")
