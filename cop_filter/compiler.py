"""From entries to a published generation.

A generation is made from fresh entries of some lists and from what the current generation holds of
the others: their hashed records are carried over, so that no clear list is kept anywhere and one
failing list never delays another.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from cop_filter.config import Config, ExemptionConfig, ListConfig
from cop_filter.entries import Entry, parse
from cop_filter.errors import StateError
from cop_filter.index import CODE_BYTES, Builder
from cop_filter.loader import best_generation, open_generation
from cop_filter.manifest import ListState, Manifest
from cop_filter.own_hosts import own_hosts
from cop_filter.policy import ListPolicy, Mode, ProfilePolicy
from cop_filter.sealing import seal_entries
from cop_filter.store import INDEX, MANIFEST, PATTERNS, Store
from cop_filter.trial import Soak, soak_of
from cop_filter.verdict import LegalBasis, Plane

log = logging.getLogger(__name__)

ALL_PLANES = tuple(Plane)
OWN_HOSTS = "own-hosts"
"""The list of hosts that the filter itself needs, and of the URLs that it fetches."""


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


def exempt_policy(list_id: str, until: float | None = None, mode: Mode = "exempt") -> ListPolicy:
    """A list of the operator's own, whose entries are allowed."""
    return ListPolicy(
        id=list_id,
        authority="operator",
        category="exemption",
        legal_basis=LegalBasis.MEMBERSHIP,
        planes=ALL_PLANES,
        mode=mode,
        until=until,
    )


def exemption(config: ExemptionConfig, number: int) -> tuple[ListPolicy, list[Entry]]:
    """An exemption as a list of one entry, in force to the end (UTC) of its last day."""
    midnight = datetime.combine(config.until + timedelta(days=1), time_of_day(), UTC)
    return exempt_policy(f"exemption-{number}", midnight.timestamp()), [parse(config.entry)]


def operator_lists(config: Config) -> list[tuple[ListPolicy, list[Entry]]]:
    """What the configuration itself lists."""
    exemptions = [exemption(each, number) for number, each in enumerate(config.exemptions, 1)]
    return [(exempt_policy(OWN_HOSTS, mode="protect"), own_hosts(config)), *exemptions]


def fingerprint(entries: Sequence[Entry], key: bytes) -> str:
    """A keyed digest of the operator's own entries: tells change without telling what they are."""
    return hashlib.blake2b(repr(sorted(entries)).encode(), digest_size=16, key=key).hexdigest()


class Draft:
    """One generation in the making. Used by one thread, inside `draft()`."""

    def __init__(self, store: Store, config: Config, clock: Callable[[], float]) -> None:
        self._store = store
        self._keys = store.keys()
        self._clock = clock
        self._config = config
        try:
            self._base = best_generation(store, canary=True)
        except StateError as error:
            # Nothing whole is left to carry over: what is fresh still goes live.
            log.error("%s", error)
            self._base = None
        self._own = operator_lists(config)
        self._numbers = {each.id: number for number, each in enumerate(config.lists)}
        self._fresh: set[str] = set()
        self._builder = Builder(self._keys.index)

    def replace(self, list_id: str, entries: Sequence[Entry]) -> None:
        """Add fresh entries to a list; the first call drops what it held before."""
        self._fresh.add(list_id)
        self._builder.add(self._numbers[list_id], entries)

    def base_state(self, list_id: str) -> ListState | None:
        """What the generation that this starts from holds of a list; None: it was never loaded."""
        number = None if self._base is None else self._base.manifest.number_of(list_id)
        if self._base is None or number is None:
            return None
        state = self._base.manifest.lists[number]
        return None if state.published_at is None else state

    def count(self, list_id: str) -> int:
        """Distinct fresh entries of a list so far."""
        return self._builder.settle(len(self._numbers))[self._numbers[list_id]]

    def publish(self, digests: Mapping[str, str] | None = None) -> int:
        """Compile, verify, and put in force; the new generation's number.

        `digests` are those of the bytes that fresh lists were read from. Raises StateError, OSError.
        """
        digests = digests or {}
        states = [self._state(each, digests) for each in self._config.lists]
        for offset, (_, entries) in enumerate(self._own):
            self._builder.add(len(states) + offset, entries)
        own = [
            ListState(policy, published_at=self._clock(), digest=fingerprint(entries, self._keys.references))
            for policy, entries in self._own
        ]
        counts = self._builder.settle(len(states) + len(own))
        counted = [replace(state, entries=count) for state, count in zip(states + own, counts, strict=True)]
        return self._write(tuple(counted))

    def _state(self, config: ListConfig, digests: Mapping[str, str]) -> ListState:
        policy = list_policy(config)
        if config.id in self._fresh:
            return ListState(policy, published_at=self._clock(), digest=digests.get(config.id, ""))
        base = self._base
        number = None if base is None else base.manifest.number_of(config.id)
        if base is None or number is None:
            return ListState(policy)
        self._builder.carry(base.index, number, self._numbers[config.id])
        self._builder.carry_automaton(base.automaton_entries, number, self._numbers[config.id])
        return replace(base.manifest.lists[number], policy=policy)

    def _write(self, lists: tuple[ListState, ...]) -> int:
        number = self._store.next_number()
        with self._store.aside() as folder:
            self._store.at_step(f"write {INDEX}")
            self._builder.write(str(folder / INDEX))
            patterns = seal_entries(self._builder.automaton_entries, self._keys.patterns)
            self._store.write(folder / PATTERNS, patterns)
            with (folder / INDEX).open("rb") as file:
                index_code = file.read(CODE_BYTES.stop)[CODE_BYTES].hex()
            steering = self._config.dns is not None and bool(self._config.dns.steer_to)
            profiles = profile_policies(self._config)
            manifest = Manifest(number, self._clock(), steering, lists, index_code, profiles)
            self._store.write(folder / MANIFEST, manifest.to_bytes(self._keys.manifest))
            self._store.at_step("verify")
            open_generation(self._store, number, folder)
            self._store.publish(folder, number, self._soak())
        return number

    def _soak(self) -> Soak | None:
        """Lists prove themselves on a part of the workers first; the operator's own changes need not.

        But they do where they stand upon what is on trial. Without a whole base, nothing may wait.
        """
        if self._base is None or not (self._fresh or self._store.trial()):
            return None
        return soak_of(self._config.rollout, self._clock())


@contextmanager
def draft(store: Store, config: Config, *, clock: Callable[[], float] = time.time) -> Iterator[Draft]:
    """A generation in the making; leaving without `publish` discards it. Holds the writer's lock.

    Raises Held when a rollback holds, and StateError.
    """
    store.prepare()
    store.refuse_while_held()
    with store.writer():
        yield Draft(store, config, clock)


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
        manifest = open_generation(store, newest).manifest
    except StateError:
        return True
    key = store.keys().references
    wanted: list[tuple[ListPolicy, str | None]] = [(list_policy(each), None) for each in config.lists]
    wanted += [(policy, fingerprint(entries, key)) for policy, entries in operator_lists(config)]
    have = [
        (state.policy, state.digest if state.policy.mode in ("exempt", "protect") else None)
        for state in manifest.lists
    ]
    steering = config.dns is not None and bool(config.dns.steer_to)
    profiles = profile_policies(config)
    return wanted != have or steering != manifest.steering or profiles != manifest.profiles
