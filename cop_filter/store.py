"""Generations on disk: one writer, many readers; the only owner of files in the state folder.

::

    state/                   0700
      index.key              0600; made on first run
      generations/000007/    index, patterns, manifest; never changed once it has this name
      current                the number in force; replaced by rename
      status.json            what sync last met, per list
      sources/ID/            what the source of a list remembers: versions seen, keys; never an entry
      writer.lock            held by the one process that publishes

Publishing writes aside, syncs to disk, verifies by opening again, renames, and only then moves the
pointer: killed at any step, it leaves the last generation whole and in force.
"""

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cop_filter import durable, private_file
from cop_filter.errors import StateError
from cop_filter.manifest import Manifest
from cop_filter.sealing import KEY_BYTES, Keys

INDEX = "index"
PATTERNS = "patterns"
MANIFEST = "manifest"
KEEP_GENERATIONS = 5

Step = Callable[[str], None]


class Store:
    """The state folder at `root`. `at_step` is told each step of a publish, for tests that end it there."""

    def __init__(self, root: Path, *, keep: int = KEEP_GENERATIONS, at_step: Step | None = None) -> None:
        self.root = root
        self._generations = root / "generations"
        self._pointer = root / "current"
        self._keep = keep
        self._at_step = at_step

    def prepare(self) -> None:
        """Make the folder and the key if they are missing. Raises StateError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._generations.mkdir(mode=0o700, exist_ok=True)
            if not (self.root / "index.key").exists():
                self._write_key(os.urandom(KEY_BYTES))
        except OSError as error:
            raise StateError(
                f"state_dir cannot be prepared: {error.strerror}; check its owner and mode"
            ) from None

    def _write_key(self, key: bytes) -> None:
        # Linked into place, so that two processes that start together agree on one key.
        descriptor, aside = tempfile.mkstemp(dir=self.root)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(aside, self.root / "index.key")
        finally:
            Path(aside).unlink()
        durable.sync_folder(self.root)

    def keys(self) -> Keys:
        """The keys of this state folder. Raises StateError when there are none, or others may read them."""
        try:
            return Keys.derive(private_file.read(self.root / "index.key"))
        except private_file.ReadableByOthersError:
            raise StateError("index.key is readable by others: chmod 600 it") from None
        except OSError as error:
            raise StateError(
                f"index.key cannot be read ({error.strerror}); run `cop-filter sync` first"
            ) from None

    # ------------------------------------------------------------ reading

    def current(self) -> int | None:
        """The number of the generation in force; None before the first publish."""
        try:
            # Bytes: a damaged pointer need not be text.
            text = self._pointer.read_bytes().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateError(
                f"the pointer to the current generation cannot be read: {error.strerror}"
            ) from None
        if not text.isdigit():
            raise StateError("the pointer to the current generation is corrupt; run `cop-filter sync`")
        return int(text)

    def pointer_stamp(self) -> tuple[int, int] | None:
        """Changes whenever the pointer is written, even with the number that it had; None without one."""
        try:
            status = self._pointer.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def numbers(self) -> list[int]:
        """All whole generations on disk, oldest first. Raises StateError when they cannot be seen."""
        try:
            return sorted(int(path.name) for path in self._generations.iterdir() if path.name.isdigit())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StateError(f"the generations cannot be read: {error.strerror}") from None

    def folder(self, number: int) -> Path:
        """Where a generation lives."""
        return self._generations / f"{number:06d}"

    def memory(self, list_id: str) -> Path:
        """Where the source of a list keeps what it remembers; the source makes the folder."""
        return self.root / "sources" / list_id

    def manifest(self, number: int) -> Manifest:
        """What a generation says of itself. Raises StateError when it is missing, corrupt or foreign."""
        return self.read_manifest(self.folder(number))

    def read_manifest(self, folder: Path) -> Manifest:
        """The same for a generation that is still aside."""
        return Manifest.from_bytes(self.read(folder / MANIFEST), self.keys().manifest)

    def read(self, path: Path) -> bytes:
        """A file of a generation. Raises StateError."""
        try:
            return path.read_bytes()
        except OSError as error:
            raise StateError(f"a generation lacks its {path.name}: {error.strerror}") from None

    # ------------------------------------------------------------ writing

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Be the one writer. Raises StateError when another process is."""
        try:
            lock = os.fdopen(os.open(self.root / "writer.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
        except OSError as error:
            raise StateError(f"state_dir is not writable: {error.strerror}") from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(
                    "another process is publishing into this state_dir; stop it, or wait"
                ) from None
            yield

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """A fresh folder for the next generation, removed again unless it is published."""
        for stale in self._generations.glob("aside-*"):
            shutil.rmtree(stale, ignore_errors=True)
        # Publishes that failed at their last step have left whole folders, on a disk that may be full.
        self._prune(self._pointed())
        folder = Path(tempfile.mkdtemp(prefix="aside-", dir=self._generations))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def next_number(self) -> int:
        """The number that the next generation gets; numbers are never used twice.

        Nor is that of a folder that was removed: whoever still has it mapped would see no change.
        """
        return max([*self.numbers(), self._pointed() or 0]) + 1

    def _pointed(self) -> int | None:
        """What the pointer says, if it says anything."""
        try:
            return self.current()
        except StateError:
            return None

    def at_step(self, step: str) -> None:
        """Note that a step of a publish begins."""
        if self._at_step is not None:
            self._at_step(step)

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file of a generation that is still aside, and sync it to disk."""
        self.at_step(f"write {path.name}")
        durable.write(path, content)

    def publish(self, aside: Path, number: int) -> None:
        """Give a verified folder its name, then put it in force. Only for the writer."""
        self.at_step("sync folder")
        durable.sync_folder(aside)
        self.at_step("rename folder")
        aside.rename(self.folder(number))
        durable.sync_folder(self._generations)
        self._point_to(number)
        self.at_step("prune")
        self._prune(number)

    def _point_to(self, number: int) -> None:
        self.at_step("write pointer")
        replacement = self.root / "current.new"
        durable.write(replacement, f"{number}\n".encode())
        self.at_step("move pointer")
        replacement.replace(self._pointer)
        durable.sync_folder(self.root)

    def _prune(self, current: int | None) -> None:
        for number in self.numbers()[: -self._keep]:
            if number != current:
                shutil.rmtree(self.folder(number), ignore_errors=True)

    def rollback(self) -> tuple[int, int]:
        """Put the generation before the current one in force: (from, to). Raises StateError."""
        with self.writer():
            current = self.current()
            older = [number for number in self.numbers() if current is not None and number < current]
            if current is None or not older:
                raise StateError("there is no earlier generation to go back to")
            self.read_manifest(self.folder(older[-1]))
            self._point_to(older[-1])
            return current, older[-1]

    # ------------------------------------------------------------ status

    def read_status(self) -> dict[str, dict[str, Any]]:
        """What sync last met, by list id; empty when it has not run, or the file is damaged."""
        try:
            status = json.loads((self.root / "status.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return status if isinstance(status, dict) else {}

    def write_status(self, status: dict[str, dict[str, Any]]) -> None:
        """Replace the status. Raises OSError."""
        durable.replace(self.root / "status.json", json.dumps(status, indent=1).encode())
