"""From entries to a published generation.

A generation is made from fresh entries of some lists and from what the current generation holds of
the others: their hashed records are carried over, so that no clear list is kept anywhere and one
failing list never delays another.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cop_filter.attachments import box_digest, file_name, seal_attachment
from cop_filter.config import Config, ListConfig
from cop_filter.entries import Entry
from cop_filter.errors import ListRefused, StateError
from cop_filter.index import CODE_BYTES, Builder
from cop_filter.loader import Generation, best_generation, open_generation
from cop_filter.manifest import ListState, Manifest
from cop_filter.operator_lists import fingerprint, operator_lists
from cop_filter.policy import ListPolicy, ProfilePolicy
from cop_filter.sealing import seal_entries
from cop_filter.store import INDEX, MANIFEST, PATTERNS, Store
from cop_filter.trial import Soak, soak_of

if TYPE_CHECKING:  # it would bring the transports with it, which take long to import
    from cop_filter.sources import Vouched

log = logging.getLogger(__name__)


def list_policy(config: ListConfig) -> ListPolicy:
    """What a generation must know of a configured list."""
    return ListPolicy(
        id=config.id,
        authority=config.authority,
        category=config.category,
        legal_basis=config.legal_basis,
        planes=config.planes,
        answer=config.answer,
        on_failure=config.on_failure,
        mode=config.mode,
    )


def profile_policies(config: Config) -> tuple[ProfilePolicy, ...]:
    """What a generation must know of the configured profiles: never whose they are."""
    return tuple(ProfilePolicy(each.id, each.lists) for each in config.profiles)


class Draft:
    """One generation in the making. Used by one thread, inside `draft()`."""

    def __init__(
        self, store: Store, config: Config, clock: Callable[[], float], *, renew: bool = False
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        try:
            self._base = best_generation(store, canary=True)
        except StateError as error:
            # Nothing whole is left to carry over: what is fresh still goes live.
            log.error("%s", error)
            self._base = None
        # What is carried over stays under its key; a newer one begins where nothing is.
        self._renew = renew
        self._keys = store.newest_keys() if self._base is None or renew else self._base.keys
        self._own = operator_lists(config)
        self._numbers = {each.id: number for number, each in enumerate(config.lists)}
        self._replaced: set[str] = set()
        self._amended: set[str] = set()
        self._attached: dict[tuple[str, str], bytes] = {}
        self._builder = Builder(self._keys.index)

    @property
    def base(self) -> Generation | None:
        """What this draft is made from; None where there is nothing whole."""
        return self._base

    def replace(self, list_id: str, entries: Sequence[Entry]) -> None:
        """Add fresh entries to a list; the first call drops what it held before."""
        if list_id in self._amended:
            raise ValueError("a list is either amended or replaced")
        self._replaced.add(list_id)
        self._builder.add(self._numbers[list_id], entries)

    def amend(self, list_id: str, added: Sequence[Entry], removed: Sequence[Entry]) -> None:
        """Keep what a list holds, with what comes and without what goes; once for a list.

        Raises ListRefused, and changes nothing, unless each entry that goes is held, written like this in
        one line of the list alone, and none that comes is held besides.
        """
        if list_id in self._amended | self._replaced:
            raise ValueError("a list is either amended or replaced, and amended once")
        base = self._base
        number = None if base is None or self.base_state(list_id) is None else self._base_number(list_id)
        if base is None or number is None or self._renew:
            raise ListRefused(
                "a change came, and nothing that it could change is in force; fetch the list whole"
            )
        held = (base.index, base.automaton_entries)
        try:
            self._builder.amend(held, (number, self._numbers[list_id]), added, removed)
        except ValueError as reason:
            raise ListRefused(f"the change does not fit: {reason}; fetch the list whole") from None
        self._amended.add(list_id)

    def holds(self, list_id: str, entries: Sequence[Entry]) -> list[bool]:
        """Whether each of these entries, in whatever spelling, is in the list as this draft found it."""
        return [False] * len(entries) if self._base is None else self._base.holds(list_id, entries)

    def attach(self, list_id: str, name: str, clear: bytes) -> None:
        """Keep sealed with a list what later refreshes or tests of it need: `prints`, `canaries`, `domains`.

        It is carried over for as long as its list is, and lost when that is replaced or amended without it.
        """
        file_name(list_id, name)
        self._attached[list_id, name] = clear

    def attached(self, list_id: str, name: str) -> bytes | None:
        """What was attached to a list as this draft found it; None where it is lost, which is told."""
        try:
            return None if self._base is None else self._base.attachment(list_id, name)
        except StateError as error:
            log.error("%s", error)
            return None

    def base_state(self, list_id: str) -> ListState | None:
        """What the generation that this starts from holds of a list; None: it was never loaded."""
        state = None if self._base is None else self._base.manifest.state_of(list_id)
        return None if state is None or state.published_at is None else state

    def _base_number(self, list_id: str) -> int | None:
        return None if self._base is None else self._base.manifest.number_of(list_id)

    def count(self, list_id: str) -> int:
        """Distinct entries of a list that was replaced or amended, so far."""
        return self._builder.settle(len(self._numbers))[self._numbers[list_id]]

    def publish(
        self,
        digests: Mapping[str, str] | None = None,
        vouched: Mapping[str, "Vouched"] | None = None,
        prove: Callable[[Generation], None] | None = None,
    ) -> int:
        """Compile, verify, and put in force; the new generation's number.

        `digests` are those of the bytes that fresh lists were read from. `vouched` is what signatures say
        of lists, also of some that are carried over: a version may be signed again for longer. `prove` is
        given what was written while it is still aside, and may refuse it.
        Raises StateError, OSError, and what `prove` raises.
        """
        states = [self._state(each, digests or {}) for each in self._config.lists]
        for place, state in enumerate(states):
            said = (vouched or {}).get(state.policy.id)
            if said is not None:
                states[place] = replace(state, version=said.version, expires_at=said.expires_at)
        self._carry()
        for offset, (_, entries) in enumerate(self._own):
            self._builder.add(len(states) + offset, entries)
        own = [
            ListState(policy, published_at=self._clock(), digest=fingerprint(entries, self._keys.references))
            for policy, entries in self._own
        ]
        counts = self._builder.settle(len(states) + len(own))
        counted = [replace(state, entries=count) for state, count in zip(states + own, counts, strict=True)]
        return self._write(counted, prove)

    def _is_fresh(self, list_id: str) -> bool:
        return list_id in self._replaced or list_id in self._amended

    def _state(self, config: ListConfig, digests: Mapping[str, str]) -> ListState:
        policy = list_policy(config)
        state = None if self._base is None else self._base.manifest.state_of(config.id)
        if self._is_fresh(config.id):
            digest = digests.get(config.id, "")
            if self._renew and state is not None and state.digest == digest:
                # The same version under another key: it went live when it did.
                return ListState(policy, published_at=state.published_at, digest=digest)
            return ListState(policy, published_at=self._clock(), digest=digest)
        if self._renew and state is not None and state.published_at is not None:
            raise StateError(f"the new key waits: list {config.id} has not been fetched whole")
        return ListState(policy) if state is None else replace(state, policy=policy)

    def _carry(self) -> None:
        """Take over all lists that are not fresh."""
        if self._base is None or self._renew:
            return
        numbers = {
            number: self._numbers[state.policy.id]
            for number, state in enumerate(self._base.manifest.lists)
            if state.policy.id in self._numbers and not self._is_fresh(state.policy.id)
        }
        self._builder.carry(self._base.index, self._base.automaton_entries, numbers)

    def _attach(self, state: ListState, folder: Path) -> ListState:
        """Write what is attached to a list, and carry over what was attached to one that is carried over."""
        list_id = state.policy.id
        digests: dict[str, str] = {}
        for name, digest in state.attachments.items():
            file = file_name(list_id, name)
            if (list_id, name) in self._attached or self._base is None:
                continue
            if self._store.carry(folder / file, self._base.folder / file):
                digests[name] = digest
            else:
                log.error("the %s of list %s are lost; they come again with the whole list", name, list_id)
        for (to, name), clear in self._attached.items():
            if to == list_id:
                box = seal_attachment(list_id, name, clear, self._keys.attachments)
                self._store.write(folder / file_name(list_id, name), box)
                digests[name] = box_digest(box)
        return replace(state, attachments=digests)

    def _write(self, states: Sequence[ListState], prove: Callable[[Generation], None] | None) -> int:
        number = self._store.next_number()
        with self._store.aside() as folder:
            self._store.at_step(f"write {INDEX}")
            self._builder.write(str(folder / INDEX))
            patterns = seal_entries(self._builder.automaton_entries, self._keys.patterns)
            self._store.write(folder / PATTERNS, patterns)
            # All of it is in files now, and what follows needs the room.
            self._builder = Builder(self._keys.index)
            lists = tuple(self._attach(state, folder) for state in states)
            self._attached.clear()
            with (folder / INDEX).open("rb") as file:
                index_code = file.read(CODE_BYTES.stop)[CODE_BYTES].hex()
            steering = self._config.dns is not None and bool(self._config.dns.steer_to)
            profiles = profile_policies(self._config)
            manifest = Manifest(number, self._clock(), steering, lists, index_code, profiles)
            self._store.write(folder / MANIFEST, manifest.to_bytes(self._keys.manifest))
            self._store.at_step("verify")
            generation = open_generation(self._store, number, folder)
            if prove is not None:
                self._store.at_step("prove")
                prove(generation)
            self._store.publish(folder, number, self._soak())
        return number

    def _soak(self) -> Soak | None:
        """Lists prove themselves on a part of the workers first; the operator's own changes need not.

        But they do where they stand upon what is on trial. Without a whole base, nothing may wait.
        """
        if self._base is None or not (self._replaced or self._amended or self._store.trial()):
            return None
        return soak_of(self._config.rollout, self._clock())


@contextmanager
def draft(
    store: Store, config: Config, *, clock: Callable[[], float] = time.time, renew: bool = False
) -> Iterator[Draft]:
    """A generation in the making; leaving without `publish` discards it. Holds the writer's lock.

    `renew`: under the newest key, and nothing is carried over: `publish` raises StateError unless every
    list in force was replaced. Raises Held when a rollback holds, and StateError.
    """
    store.prepare()
    store.refuse_while_held()
    with store.writer():
        yield Draft(store, config, clock, renew=renew)


def damaged(store: Store) -> bool:
    """Whether something was published and cannot be opened any more."""
    try:
        newest = store.newest()
        if newest is not None:
            open_generation(store, newest)
    except StateError:
        return True
    return False


def stale(store: Store, config: Config) -> bool:
    """Whether policy, profiles, exemptions or steering differ from what is in force, or that is damaged."""
    try:
        newest = store.newest()
        if newest is None:
            return True
        generation = open_generation(store, newest)
    except StateError:
        return True
    manifest, key = generation.manifest, generation.keys.references
    wanted: list[tuple[ListPolicy, str | None]] = [(list_policy(each), None) for each in config.lists]
    wanted += [(policy, fingerprint(entries, key)) for policy, entries in operator_lists(config)]
    configured = {each.id for each in config.lists}
    have = [
        (state.policy, None if state.policy.id in configured else state.digest) for state in manifest.lists
    ]
    steering = config.dns is not None and bool(config.dns.steer_to)
    profiles = profile_policies(config)
    return wanted != have or steering != manifest.steering or profiles != manifest.profiles
