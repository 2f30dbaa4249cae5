"""The authority's folder: entries in clear, for their keeper's eyes alone.

::

    DIR/                      0700
      authority.json          the list's name, its receivers, the version that was published last
      entries.txt             one entry a line, sorted, each once
      canaries.txt            the same, of those that are only there to be probed
      secret                  what watermarks are derived from
      keys/N.keys.json        the key sets, the first one on
      versions/000042/ID/     what `publish` copies: manifest.json, lists/, deltas/
      lock                    held by the one command that changes something
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Literal

from cop_filter import durable, private_file
from cop_filter.errors import StateError

Shelf = Literal["entries", "canaries"]
_FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """`last_version` is the highest number ever given, `published` the one that subscribers are shown."""

    list: str
    receivers: tuple[str, ...] = ()
    former_receivers: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    former_domains: tuple[str, ...] = ()
    last_version: int = 0
    published: int | None = None


class Folder:
    """The files of one authority's list. Every method raises StateError when they cannot serve."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = root / "keys"
        self.versions = root / "versions"

    def create(self, list_id: str) -> None:
        """Make the folder for a new list."""
        if (self.root / "authority.json").exists():
            raise StateError(f"there is a list already; choose another folder with --dir for {list_id}")
        with _explained("made"):
            for folder in (self.root, self.keys, self.versions):
                durable.make_folder(folder)
            self._refuse_open()
            durable.replace(self.root / "secret", secrets.token_bytes(32))
            for shelf in ("entries", "canaries"):
                durable.replace(self.root / f"{shelf}.txt", b"")
        self.save(Settings(list_id))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the one who changes something."""
        self._refuse_open()
        with _explained("locked"):
            lock = os.fdopen(os.open(self.root / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError("somebody else is changing this list just now; try again") from None
            yield

    def settings(self) -> Settings:
        """What is known of the list."""
        try:
            said: dict[str, Any] = json.loads(self._read("authority.json"))
            if said.pop("format") != _FORMAT:
                raise ValueError
            return Settings(**{name: _frozen(value) for name, value in said.items()})
        except (ValueError, KeyError, TypeError, AttributeError):
            raise StateError("authority.json is damaged; restore it from a backup") from None

    def save(self, settings: Settings) -> None:
        """Keep the settings."""
        with _explained("written"):
            content = json.dumps({"format": _FORMAT, **asdict(settings)}, indent=1).encode()
            durable.replace(self.root / "authority.json", content)

    def texts(self, shelf: Shelf) -> list[str]:
        """The entries, as canonical texts: sorted, each once."""
        lines = self._read(f"{shelf}.txt").decode(errors="replace").split("\n")
        if lines.pop() != "" or not all(line < following for line, following in pairwise(lines)):
            raise StateError(
                f"{shelf}.txt is damaged, or was edited by hand: restore it from a backup, and use "
                "`cop-filter authority add` and `remove`"
            )
        return lines

    def save_texts(self, shelf: Shelf, texts: Sequence[str]) -> None:
        """Replace the entries, which are sorted, each once: all or none."""
        with _explained("written"):
            durable.replace(self.root / f"{shelf}.txt", list_bytes(texts))

    def secret(self) -> bytes:
        """What watermarks are derived from."""
        return self._read("secret")

    def _read(self, name: str) -> bytes:
        self._refuse_open()
        try:
            return private_file.read(self.root / name)
        except private_file.ReadableByOthersError:
            raise StateError(f"{name} is readable by others: chmod 600 it") from None
        except OSError as error:
            raise StateError(f"{name} cannot be read ({error.strerror}); restore it from a backup") from None

    def _refuse_open(self) -> None:
        try:
            mode = self.root.stat().st_mode
        except OSError:
            raise StateError(
                "there is no list in this folder; name another with --dir, or begin with "
                "`cop-filter authority init`"
            ) from None
        if mode & 0o077:
            raise StateError("the authority's folder is open to others: chmod 700 it")


def check_name(what: str, name: str) -> None:
    """Raise StateError unless it can be the name of a list or a receiver, and of a folder."""
    if not _NAME.fullmatch(name):
        raise StateError(
            f"{name!r} is no name for a {what}: use lower-case letters, digits, `-` and `_`, as in isp-a"
        )


def list_bytes(texts: Sequence[str]) -> bytes:
    """A list's bytes: one text a line."""
    return "".join(f"{text}\n" for text in texts).encode()


def merged(*parts: Iterable[str]) -> list[str]:
    """All texts, sorted, each once. Parts that are sorted themselves cost little: a list has a million."""
    return sorted(dict.fromkeys(chain.from_iterable(parts)))


def _frozen(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    return tuple(value) if isinstance(value, list) else value


@contextmanager
def _explained(done: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateError(f"the authority's folder cannot be {done}: {error.strerror}") from None
