"""Generations on disk: one writer, many readers; the only owner of files in the state folder.

::

    state/                   0700
      index.key              0600; made on first run
      generations/000007/    index, patterns, attachments, manifest; never changed once it has this name
      current                the number in force; replaced by rename
      trial                  what a part of the workers enforces before all do (see `trial`)
      hold.json              a rollback that holds: while it is there, nothing is published
      rollout.json           what was taken out of force, and why
      status.json            what sync last met, per list; status.lock: held by who writes it
      looked                 its time: until when ended exemptions and lists were looked for
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
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cop_filter import durable, state_folder
from cop_filter.config import Config
from cop_filter.errors import Held, StateError
from cop_filter.hold import Hold
from cop_filter.keyring import KeyRing
from cop_filter.manifest import Manifest
from cop_filter.pointers import Pointers
from cop_filter.sealing import Keys
from cop_filter.setbacks import Setback
from cop_filter.stages import Stages
from cop_filter.trial import Soak, Trial

INDEX = "index"
PATTERNS = "patterns"
MANIFEST = "manifest"
KEEP_GENERATIONS = 5
_LOCK_POLL_S = 0.05

Step = Callable[[str], None]


class Store:
    """The state folder at `root`. `at_step` is told each step of a publish, for tests that end it there.

    `ring`: where its keys are; in the folder itself if nothing else is said.
    """

    def __init__(
        self,
        root: Path,
        ring: KeyRing | None = None,
        *,
        keep: int = KEEP_GENERATIONS,
        at_step: Step | None = None,
    ) -> None:
        self.root = root
        self.ring = KeyRing(root) if ring is None else ring
        self._generations = root / "generations"
        self._keep = keep
        self._checked = False
        self._at_step = at_step
        self._pointers = Pointers(root, self.at_step)
        self.stages = Stages(self._pointers, self.writer, self.manifest)

    @staticmethod
    def of(config: Config) -> "Store":
        """The state folder of a configuration, with the keys that it names."""
        return Store(config.state_dir, KeyRing.of(config))

    def prepare(self) -> None:
        """Make the folder and the key if they are missing, and check it once. Raises StateError."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._generations.mkdir(mode=0o700, exist_ok=True)
            self.ring.make()
        except OSError as error:
            raise StateError(
                f"state_dir cannot be prepared: {error.strerror}; check its owner and mode"
            ) from None
        if not self._checked:
            self.check()

    def check(self) -> None:
        """Refuse a folder that others than its owner may look into, where there is one. Raises StateError."""
        state_folder.check(self.root)
        self._checked = True

    def keys(self) -> Keys:
        """What the next generation is made with: the key of the newest one, before the first the newest key.

        A list that is carried over stays under the key that it was hashed with, so a new key has to
        wait until all are there again: see `rotation_due`. Raises StateError.
        """
        with contextlib.suppress(StateError):
            newest = self.newest()
            if newest is not None:
                return self.open_manifest(self.folder(newest))[1]
        return self.newest_keys()

    def newest_keys(self) -> Keys:
        """Those of the ring's newest key, be it in use or not. Raises StateError."""
        return self.all_keys()[0]

    def all_keys(self) -> tuple[Keys, ...]:
        """Those of every key of the ring, the newest first: for what was sealed some time ago."""
        return tuple(Keys.derive(key) for key in self.ring.read())

    def rotation_due(self) -> bool:
        """Whether a newer key waits for a generation in which every list is fresh. Raises StateError."""
        return self.keys() != self.newest_keys()

    # ------------------------------------------------------------ reading

    def current(self) -> int | None:
        """The number of the generation in force; None before the first publish. Raises StateError."""
        return self._pointers.current()

    def newest(self) -> int | None:
        """The newest generation that is wanted, on trial or in force; the next one is made from it.

        Raises StateError.
        """
        return self._pointers.newest()

    def followed(self, *, canary: bool, now: float) -> int | None:
        """The generation that a process is to enforce; `canary`: trials run on it. Raises StateError."""
        return self._pointers.followed(canary=canary, now=now)

    def trial(self) -> Trial | None:
        """What is on trial now; None where everybody follows the current generation."""
        return self._pointers.trial()

    def held(self) -> Hold | None:
        """The rollback that holds, if one does."""
        return self._pointers.held()

    def refuse_while_held(self) -> None:
        """Raises Held when a rollback holds."""
        self._pointers.refuse_while_held()

    def setbacks(self) -> tuple[Setback, ...]:
        """What was taken out of force lately, and why; the newest last."""
        return self._pointers.setbacks()

    def suspicion(self, list_id: str, digest: str) -> Setback | None:
        """How this version of a list was taken back, or refused, last; None: it was not, or nobody knows."""
        named = (one for one in reversed(self.setbacks()) if one.digests.get(list_id) == digest)
        return next(named, None)

    def candidates(self, *, canary: bool, now: float) -> list[int]:
        """All generations in the order in which they may serve: the wanted one, older, then newer ones.

        What was taken out of force comes last. Raises StateError when they cannot be seen.
        """
        numbers = self.numbers()
        try:
            wanted = self.followed(canary=canary, now=now)
        except StateError:
            wanted = None
        avoided = self._pointers.avoided()
        at_most = max(numbers, default=0) if wanted is None else wanted

        def rank(number: int) -> tuple[bool, bool, bool, int]:
            return number != wanted, number in avoided, number > at_most, -number

        return sorted({*numbers, *([] if wanted is None else [wanted])}, key=rank)

    def earlier(self) -> int | None:
        """Where a rollback leads that names no number: the current one where a newer is on trial, else older.

        None when there is nothing to go back to. Raises StateError.
        """
        current = self.current()
        if current is None or self.trial() is not None:
            return current
        avoided = self._pointers.avoided()
        return max((one for one in self.numbers() if one < current and one not in avoided), default=None)

    def stamp(self, number: int) -> tuple[int, int] | None:
        """Tells a generation from one of the same number in a state folder that was made anew."""
        try:
            status = (self.folder(number) / MANIFEST).stat()
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
        return self.open_manifest(self.folder(number))[0]

    def open_manifest(self, folder: Path) -> tuple[Manifest, Keys]:
        """What a generation says of itself, which may still be aside, and the keys that it was made with.

        Raises StateError, also when no key of the ring is the right one.
        """
        raw = self.read(folder / MANIFEST)
        keys = self.all_keys()
        for one in keys[:-1]:
            with contextlib.suppress(StateError):
                return Manifest.from_bytes(raw, one.manifest), one
        return Manifest.from_bytes(raw, keys[-1].manifest), keys[-1]

    def read(self, path: Path) -> bytes:
        """A file of a generation. Raises StateError."""
        try:
            return path.read_bytes()
        except OSError as error:
            raise StateError(f"a generation lacks its {path.name}: {error.strerror}") from None

    # ------------------------------------------------------------ writing

    @contextmanager
    def writer(self, patience_s: float = 0.0) -> Iterator[None]:
        """Be the one writer. Raises StateError when another process is, for longer than `patience_s`."""
        try:
            lock = os.fdopen(os.open(self.root / "writer.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")
        except OSError as error:
            raise StateError(f"state_dir is not writable: {error.strerror}") from None
        with lock:
            deadline = time.monotonic() + patience_s
            while not _locked(lock):
                if time.monotonic() >= deadline:
                    raise StateError("another process is publishing into this state_dir; stop it, or wait")
                time.sleep(_LOCK_POLL_S)
            yield

    @contextmanager
    def aside(self) -> Iterator[Path]:
        """A fresh folder for the next generation, removed again unless it is published. Raises Held."""
        self.refuse_while_held()
        for stale in self._generations.glob("aside-*"):
            shutil.rmtree(stale, ignore_errors=True)
        # Publishes that failed at their last step have left whole folders, on a disk that may be full.
        self._prune()
        folder = Path(tempfile.mkdtemp(prefix="aside-", dir=self._generations))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def next_number(self) -> int:
        """The number that the next generation gets; numbers are never used twice.

        Nor is that of a folder that was removed: whoever still has it mapped would see no change.
        """
        return max([*self.numbers(), *self._pointers.avoided(), self._pointers.pointed() or 0]) + 1

    def at_step(self, step: str) -> None:
        """Note that a step of a publish begins."""
        if self._at_step is not None:
            self._at_step(step)

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file of a generation that is still aside, and sync it to disk."""
        self.at_step(f"write {path.name}")
        durable.write(path, content)

    def carry(self, path: Path, source: Path) -> bool:
        """Have a file of an older generation in one that is still aside; False: it is not there any more.

        As a link where there can be one: no file of a generation is ever written to again.
        """
        self.at_step(f"carry {path.name}")
        try:
            path.hardlink_to(source)
        except FileNotFoundError:
            return False
        except OSError:
            durable.write(path, source.read_bytes())
        return True

    def publish(self, aside: Path, number: int, soak: Soak | None = None) -> None:
        """Give a verified folder its name, then put it in force, or on trial. Only for the writer.

        The very first generation is in force at once: without it, nothing is blocked. Raises Held.
        """
        self.stages.settle()
        self.at_step("sync folder")
        durable.sync_folder(aside)
        self.at_step("rename folder")
        aside.rename(self.folder(number))
        durable.sync_folder(self._generations)
        try:
            self.refuse_while_held()
        except Held:
            shutil.rmtree(self.folder(number), ignore_errors=True)
            raise
        if soak is None or self._pointers.pointed() is None:
            self._pointers.put_in_force(number)
        else:
            self._pointers.start_trial(number, soak)
        self.at_step("prune")
        self._prune()

    def _prune(self) -> None:
        trial = self._pointers.written_trial()
        needed = {self._pointers.pointed()} | {step.generation for step in (trial.steps if trial else ())}
        failed = {number for one in self.setbacks() if one.how == "failed" for number in one.generations}
        numbers = self.numbers()
        # What has failed must not push out what one could go back to.
        kept = [number for number in numbers if number not in failed][-self._keep :]
        for number in {*numbers} - {*kept} - needed:
            shutil.rmtree(self.folder(number), ignore_errors=True)

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


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
