"""The end of a log and its checkpoint: how a line is added so that every crash leaves the two in agreement.

Everything here is for who holds the lock. OSErrors are the caller's to explain.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from cop_filter import durable
from cop_filter.audit import checkpoint, files
from cop_filter.audit.checkpoint import EMPTY, Head
from cop_filter.audit.line import Line, digest, read
from cop_filter.errors import AuditBroken
from cop_filter.signing import SigningKey

CHECKPOINT = "checkpoint"


class Chain:
    """The log in `folder`, written with `key`. `at_step` is told each step, for tests that end it there."""

    def __init__(
        self, folder: Path, key: SigningKey, max_file_bytes: int, at_step: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._key = key
        self._max_file_bytes = max_file_bytes
        self._at_step = at_step

    def head(self, now: int) -> Head:
        """The head of the log, after a crash made to agree with its checkpoint. Raises AuditBroken.

        A log that was cut is never written on: the next checkpoint would hide it.
        """
        end = files.end(self._folder)
        try:
            known = checkpoint.read((self._folder / CHECKPOINT).read_bytes(), [self._key.public]).head
        except FileNotFoundError:
            if end.path is not None:
                raise _broken("its checkpoint is missing") from None
            # Before the first line, so that a log without a checkpoint is always one that lost it.
            self._mark(EMPTY, now)
            return EMPTY
        last = None if end.last is None else read(end.last)
        found = EMPTY if end.last is None or last is None else Head(last.number, digest(end.last))
        if found != known:
            if last is None or found.lines != known.lines + 1 or last.before != known.digest:
                raise _broken("it does not end where its checkpoint says")
            if not last.is_by([self._key.public]):
                raise _broken("nobody signed its last line")
        if end.path is not None and end.torn:
            os.truncate(end.path, end.whole)
        if found != known:
            self._mark(found, now)
        return found

    def append(self, line: Line) -> Head:
        """Write a line that follows `head()`, then the checkpoint: both, or neither if one cannot be."""
        raw = line.signed_by(self._key) + b"\n"
        head = Head(line.number, digest(raw[:-1]))
        end = files.end(self._folder)
        path, whole = end.path, end.whole
        if path is None or (whole and whole + len(raw) > self._max_file_bytes):
            path, whole = self._folder / files.name_of(line.number), 0
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as file:
            try:
                self._at_step("write line")
                file.write(raw)
                self._at_step("sync line")
                file.flush()
                os.fsync(file.fileno())
                if not whole:
                    durable.sync_folder(self._folder)
                self._at_step("write checkpoint")
                self._mark(head, line.at)
            except OSError:
                with contextlib.suppress(OSError, AuditBroken):
                    if self._marked() != head:
                        file.truncate(whole)
                raise
        self._at_step("done")
        return head

    def _mark(self, head: Head, now: int) -> None:
        durable.replace(self._folder / CHECKPOINT, checkpoint.seal(head, now, self._key))

    def _marked(self) -> Head:
        return checkpoint.read((self._folder / CHECKPOINT).read_bytes(), [self._key.public]).head


def _broken(why: str) -> AuditBroken:
    return AuditBroken(
        f"the audit log was changed: {why}; look at `cop-filter audit verify`, "
        "and begin a new one with `cop-filter audit restart`"
    )
