"""Appends to the audit log, from any process that works for this state folder."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator

from cop_filter import durable, file_lock
from cop_filter.audit import checkpoint, files
from cop_filter.audit.chain import CHECKPOINT, Chain
from cop_filter.audit.checkpoint import EMPTY, Head
from cop_filter.audit.facts import AuditEvent, Fact, checked
from cop_filter.audit.line import Line
from cop_filter.config import Config
from cop_filter.errors import AuditBroken, CopFilterError, SignatureRefused, StateError
from cop_filter.signing import PublicKey, SigningKey

MAX_FILE_BYTES = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


def _nobody(_: str) -> None:
    """Is told the steps when no test is."""


class Audit:
    """The audit log of a configuration's state folder; made with its first line.

    `clock` gives Unix time. `at_step` is told each step of an append, for tests that end it there.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Callable[[], float] = time.time,
        max_file_bytes: int = MAX_FILE_BYTES,
        at_step: Callable[[str], None] = _nobody,
    ) -> None:
        self.folder = config.state_dir / "audit"
        self._own_key_file = self.folder / "key.pem"
        self._key_file = config.audit.key_file or self._own_key_file
        self._known = _names(config)
        self._clock = clock
        self._max_file_bytes = max_file_bytes
        self._at_step = at_step
        self._key: SigningKey | None = None

    def know(self, ids: Iterable[str]) -> None:
        """Let these be told, too: ids of what the configuration has no longer."""
        self._known |= frozenset(ids)

    def record(self, event: AuditEvent, **facts: str | int | None) -> Head:
        """Append one line, which is on disk when this returns; the head that the log has then.

        Facts are ids, counts, digests, generations and names of approvers; one that is None is left
        out. Raises StateError when it cannot be written (nothing is recorded then), AuditBroken when
        somebody changed the log, SignatureRefused when the configured key cannot be used, and
        ValueError for a fact that might be an entry.
        """
        told = checked(event, facts, self._known)
        with self._chain() as chain:
            head = chain.head(self._now())
            if head == EMPTY:
                head = self._append(chain, head, "audit_started", {"key": self.signing_key().public.id})
            return self._append(chain, head, event, told)

    def note(self, event: AuditEvent, **facts: str | int | None) -> bool:
        """The same for what must go on without: False, and an error among the messages, when it failed."""
        try:
            self.record(event, **facts)
        except (CopFilterError, ValueError) as error:
            _log.error("%s is not in the audit log: %s", event, error)
            return False
        return True

    def head(self) -> Head | None:
        """How far the log has come; None before its first line. Raises as `record` does."""
        raw = self.checkpoint()
        return None if raw is None else checkpoint.read(raw, [self.public_key()]).head

    def checkpoint(self) -> bytes | None:
        """The signed word of how far the log has come, to be kept elsewhere. Raises StateError."""
        try:
            return (self.folder / CHECKPOINT).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(f"the audit log cannot be read: {error.strerror}") from None

    def restart(self) -> Head:
        """Put a log aside that is broken, or was signed with an older key, and begin a new one.

        Its own key goes with it where that is damaged; one that the configuration names is the operator's.
        """
        self._put_damaged_key_aside()
        facts: dict[str, Fact] = {"key": self.signing_key().public.id}
        with self._chain() as chain:
            with contextlib.suppress(AuditBroken):
                if (before := self.head()) is not None:
                    facts |= {"after_lines": before.lines, "after_digest": before.digest}
            self._put_aside()
            return self._append(chain, chain.head(self._now()), "audit_started", facts)

    # ------------------------------------------------------------ the key

    def public_key(self) -> PublicKey:
        """Whose signatures this log bears. Raises StateError before there is a key, SignatureRefused."""
        if self._key is None and self._key_file == self._own_key_file and not self._key_file.exists():
            raise StateError("there is no audit log yet: nothing was recorded in this state_dir")
        return self.signing_key().public

    def signing_key(self) -> SigningKey:
        """The key of log and certificates, made if the configuration names none.

        Raises StateError, SignatureRefused.
        """
        if self._key is None:
            if self._key_file == self._own_key_file and not self._key_file.exists():
                self._make_key()
            self._key = SigningKey.load(self._key_file)
        return self._key

    def _put_damaged_key_aside(self) -> None:
        try:
            self.signing_key()
        except SignatureRefused:
            if self._key_file != self._own_key_file:
                raise
            with self._locked():
                self._own_key_file.replace(self._own_key_file.with_name("key.pem.damaged"))

    def _make_key(self) -> None:
        aside = self.folder / "key.pem.new"
        with self._locked():
            if not self._own_key_file.exists():
                aside.unlink(missing_ok=True)
                SigningKey.generate().save(aside)
                aside.rename(self._own_key_file)
                durable.sync_folder(self.folder)

    # ------------------------------------------------------------ appending

    @contextlib.contextmanager
    def _chain(self) -> Iterator[Chain]:
        key = self.signing_key()
        with self._locked():
            yield Chain(self.folder, key, self._max_file_bytes, self._at_step)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            durable.make_folder(self.folder)
            with file_lock.held(self.folder / files.LOCK):
                yield
        except OSError as error:
            why = error.strerror or "input/output error"
            raise StateError(f"the audit log cannot be written: {why}") from None

    def _append(self, chain: Chain, head: Head, event: AuditEvent, facts: dict[str, Fact]) -> Head:
        return chain.append(Line(head.lines + 1, self._now(), event, facts, head.digest))

    def _now(self) -> int:
        return int(self._clock())

    def _put_aside(self) -> None:
        number = 1 + max((int(path.name[6:]) for path in self.folder.glob("ended-*")), default=0)
        ended = self.folder / f"ended-{number:03d}"
        durable.make_folder(ended)
        for path in [*files.logs(self.folder), self.folder / CHECKPOINT]:
            with contextlib.suppress(FileNotFoundError):
                path.rename(ended / path.name)
        durable.sync_folder(ended)
        durable.sync_folder(self.folder)


def _names(config: Config) -> frozenset[str]:
    """Words of the configuration that may be told although they may hold dots."""
    people = [*config.rights.reveal, *(person for one in config.lists for person in one.approvers)]
    ids = [*(one.id for one in config.lists), *(one.id for one in config.profiles)]
    return frozenset([*ids, *(person.name for person in people)])
