"""From the state folder to an engine, and from a moved pointer to a swap."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cop_filter._native import Index
from cop_filter.attachments import file_name, open_attachment
from cop_filter.engine import EMPTY, Engine, Snapshot
from cop_filter.entries import Entry
from cop_filter.errors import IndexRefused, StateError
from cop_filter.index import CODE_BYTES, AutomatonEntries, holds, open_index
from cop_filter.keywords import Automaton
from cop_filter.manifest import Manifest
from cop_filter.sealing import Keys, open_entries
from cop_filter.store import INDEX, PATTERNS, Store
from cop_filter.verdict import Plane

log = logging.getLogger(__name__)

POLL_S = 0.2
POLLS_PER_RETRY = 50
VERIFY_S = 60.0
"""How often it is looked whether the generation in force still is what was opened: a file that is mapped
into memory may be read from disk anew, and disks fail."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation, opened and verified. `folder` is where it was then."""

    manifest: Manifest
    index: Index
    automaton_entries: AutomatonEntries
    folder: Path
    keys: Keys

    def snapshot(self) -> Snapshot:
        """What an engine decides with."""
        entries = self.automaton_entries
        automaton = Automaton(entries, self.keys.references) if entries else None
        return Snapshot(self.index, self.manifest.policy, automaton)

    def holds(self, list_id: str, entries: Sequence[Entry]) -> list[bool]:
        """Whether a list holds each of these entries, in whatever spelling; none in one that is not known."""
        number = self.manifest.number_of(list_id)
        if number is None:
            return [False] * len(entries)
        return holds(self.index, self.automaton_entries, number, entries)

    def attachment(self, list_id: str, name: str) -> bytes | None:
        """What was attached to a list under this name; None: nothing was.

        Raises StateError when it is lost or damaged, which enforcement does not need to know.
        """
        state = self.manifest.state_of(list_id)
        if state is None or name not in state.attachments:
            return None
        try:
            box = (self.folder / file_name(list_id, name)).read_bytes()
        except OSError as error:
            raise StateError(f"the {name} of list {list_id} cannot be read: {error.strerror}") from None
        return open_attachment(list_id, name, box, self.keys.attachments, state.attachments[name])


def open_generation(store: Store, number: int, folder: Path | None = None) -> Generation:
    """Open and verify a generation, in its place or still aside in `folder`.

    Raises StateError when any of its files is not what it should be.
    """
    folder = folder or store.folder(number)
    manifest, keys = store.open_manifest(folder)
    if manifest.generation != number:
        raise StateError("the generation's manifest belongs to another generation")
    try:
        with (folder / INDEX).open("rb") as file:
            head = file.read(CODE_BYTES.stop)
    except OSError as error:
        raise StateError(f"a generation lacks its index: {error.strerror}") from None
    if head[CODE_BYTES].hex() != manifest.index_code:
        raise IndexRefused("index file refused: it belongs to another generation, or is corrupt")
    index = open_index(str(folder / INDEX), keys.index)
    patterns = open_entries(store.read(folder / PATTERNS), keys.patterns)
    return Generation(manifest, index, patterns, folder, keys)


def load_snapshot(store: Store, number: int) -> Snapshot:
    """What a generation decides with. Raises StateError."""
    return open_generation(store, number).snapshot()


def best_generation(store: Store, *, canary: bool = False, now: float | None = None) -> Generation | None:
    """The generation to enforce; if that is damaged, the best whole one; None before the first.

    `canary`: the newest that is wanted, be it on trial. A damaged file must not leave the network
    unfiltered while an older generation is whole; what was taken out of force is the last resort.
    Raises StateError when something was published and nothing of it is whole: that is no first start.
    """
    try:
        published = store.newest() is not None
    except StateError as error:
        log.error("%s", error)
        published = True
    numbers = store.candidates(canary=canary, now=time.time() if now is None else now)
    for number in numbers:
        try:
            return open_generation(store, number)
        except StateError as error:
            log.error("generation %d refused: %s", number, error)
    if numbers or published:
        raise StateError("no generation in state_dir is whole; run `cop-filter sync` to make a new one")
    return None


def open_engine(
    store: Store, *, canary: bool = False, on_fault: Callable[[Plane], None] | None = None
) -> Engine:
    """An engine on the best generation there is; empty before the first publish. Raises StateError."""
    store.check()
    best = best_generation(store, canary=canary)
    snapshot = EMPTY if best is None else best.snapshot()
    return Engine(snapshot, on_fault=on_fault)


class Watcher:
    """Swaps the engine's snapshot soon after another generation is to be enforced.

    `canary`: this process belongs to the share that trials run on. A generation that cannot be opened
    is reported once, and the one in force stays. One that is no longer what was opened is left for the best
    that is whole.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        on_swap: Callable[[Engine], None] | None = None,
        *,
        canary: bool = False,
        poll_s: float = POLL_S,
        verify_s: float = VERIFY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._engine = engine
        self._on_swap = on_swap
        self._canary = canary
        self._poll_s = poll_s
        self._verify_s = verify_s
        self._clock = clock
        self._stamp = store.stamp(engine.generation)
        self._refused: int | None = None
        self._reported = ""
        self._polls_until_retry = 0

    def check(self) -> bool:
        """Swap now if another generation is to be enforced; True if that was done."""
        wanted = None
        try:
            wanted = self._store.followed(canary=self._canary, now=self._clock())
            if wanted is None:
                return False
            stamp = self._store.stamp(wanted)
            if self._has(wanted, stamp) or self._rests(wanted):
                return False
            snapshot = load_snapshot(self._store, wanted)
        except StateError as error:
            self._report(f"{wanted} {error}", error)
            self._refused = wanted
            self._polls_until_retry = POLLS_PER_RETRY
            return False
        self._swap(snapshot, stamp)
        self._refused = None
        self._reported = ""
        return True

    def leave_damaged(self) -> bool:
        """Swap to the best whole generation if the one in force is not what was opened; True if so."""
        if self._engine.index.is_whole():
            return False
        number = self._engine.generation
        try:
            best = best_generation(self._store, canary=self._canary, now=self._clock())
        except StateError as error:
            self._report(f"{number} is damaged; {error}", error)
            return False
        if best is None:
            return False
        log.error("generation %d has changed since it was opened: it is not enforced any more", number)
        self._swap(best.snapshot(), self._store.stamp(best.manifest.generation))
        return True

    def _swap(self, snapshot: Snapshot, stamp: tuple[int, int] | None) -> None:
        self._engine.swap(snapshot)
        self._stamp = stamp
        if self._on_swap is not None:
            self._on_swap(self._engine)

    def _has(self, number: int, stamp: tuple[int, int] | None) -> bool:
        """Whether the engine has this generation: one of the same number may be of a new state folder."""
        return number == self._engine.generation and stamp == self._stamp

    def _report(self, problem: str, error: StateError) -> None:
        """Once for each problem: it is met again at every poll."""
        if problem != self._reported:
            log.error("the generation in force stays: %s", error)
        self._reported = problem

    def _rests(self, number: int) -> bool:
        """Whether to leave alone a generation that was refused; what refused it may have passed."""
        self._polls_until_retry -= 1
        return number == self._refused and self._polls_until_retry > 0

    async def run(self) -> None:
        """Watch until cancelled."""
        clock = asyncio.get_running_loop().time
        verify_at = clock() + self._verify_s
        while True:
            try:
                self.check()
                if clock() >= verify_at:
                    verify_at = clock() + self._verify_s
                    if not await asyncio.to_thread(self._engine.index.is_whole):
                        self.leave_damaged()
            except Exception:
                log.exception("watching the generation failed; trying again")
            await asyncio.sleep(self._poll_s)
