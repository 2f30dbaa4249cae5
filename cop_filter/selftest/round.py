"""One round of the self-test: every canary, at every listener that should stop it, and a name of no list."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cop_filter import canaries
from cop_filter.canaries import CONTROL_HOST, SELF_TEST, SELF_TEST_HOST, Canary, Question
from cop_filter.config import Config
from cop_filter.entries import Entry
from cop_filter.loader import Generation, open_generation
from cop_filter.selftest import listeners
from cop_filter.selftest.dns_question import TIMEOUT_S, Blocking, Said
from cop_filter.selftest.in_process import askable
from cop_filter.selftest.listeners import Listener
from cop_filter.selftest.results import Result, Results, State
from cop_filter.selftest.ways import Network, Way, way
from cop_filter.store import Store
from cop_filter.verdict import Answer, Kind, Plane

_AT_ONCE = 8


async def run(config: Config, *, clock: Callable[[], float] = time.time) -> Results:
    """Ask for the canaries of the generation in force at all live listeners. Raises StateError.

    The built-in entry is asked for even where no generation holds it: then nothing is enforced.
    """
    store = Store.of(config)
    number = store.current()
    generation = None if number is None else await asyncio.to_thread(open_generation, store, number)
    found = () if generation is None else canaries.of_generation(generation)
    return Results(clock(), number, await ask_for(config, found, _answers(generation)))


async def ask_for(config: Config, found: Sequence[Canary], answers: frozenset[Answer]) -> tuple[Result, ...]:
    """Ask for canaries; `answers` are those that the resolver gives for what it blocks, by its lists."""
    asked = _with_built_in(found)
    page = frozenset() if config.splash is None else frozenset(config.splash.addresses)
    places = listeners.of_config(config, Blocking(page, answers))
    room = asyncio.Semaphore(_AT_ONCE)
    found_at = await asyncio.gather(*(_at(config, place, asked, room) for place in places))
    return tuple(result for results in found_at for result in results)


async def _at(
    config: Config, place: Listener, asked: Iterable[Canary], room: asyncio.Semaphore
) -> list[Result]:
    """All results at one listener. One that does not answer is asked once, and not for every canary.

    What it would block needs no upstream, so silence about that is its own.
    """
    built_in, *lists = (_List(config, place, found, room) for found in _by_list(config, asked, place))
    first = await built_in.result()
    if first.state == "unreachable":
        return [first, replace(first, expects="pass"), *(one.unreachable(first) for one in lists)]
    return [first, await _control(place, room), *await asyncio.gather(*(one.result() for one in lists))]


def _with_built_in(found: Sequence[Canary]) -> tuple[Canary, ...]:
    """The built-in entry, whatever the generation holds, and then all others."""
    built_in = Canary(SELF_TEST, Entry(Kind.HOST, SELF_TEST_HOST), tuple(Plane))
    return (built_in, *(canary for canary in found if canary.list_id != SELF_TEST))


def _answers(generation: Generation | None) -> frozenset[Answer]:
    lists = () if generation is None else generation.manifest.lists
    return frozenset(state.policy.answer for state in lists if state.policy.mode == "enforce")


def _by_list(config: Config, found: Iterable[Canary], place: Listener) -> list[list[Canary]]:
    """What to ask for at a listener, the same every time and no more than this client may be told of.

    What all listeners tell counts together, and on each plane it may be of other entries; half of the oracle
    budget is left alone.
    """
    lists: dict[str, list[Canary]] = {}
    for canary in found:
        if place.plane in askable(canary):
            lists.setdefault(canary.list_id, []).append(canary)
    if not config.oracle.budget:
        return list(lists.values())
    planes = sum(table is not None for table in (config.dns, config.proxy))
    most = max(config.oracle.budget // 2 // max(planes, 1) // len(lists), 1)
    return [own[:most] for own in lists.values()]


class _List:
    """The canaries of one list at one listener."""

    def __init__(
        self, config: Config, place: Listener, found: Sequence[Canary], room: asyncio.Semaphore
    ) -> None:
        self._config = config
        self._place = place
        self._found = found
        self._room = room
        self._profile = found[0].profile

    def unreachable(self, first: Result) -> Result:
        """What is known where not even the built-in entry was answered for."""
        return self._says("unreachable", first.asked, first.failed, first.reason)

    async def result(self) -> Result:
        """What became of asking for each of them."""
        there = way(self._place.listen, self._clients())
        if there is None:
            return self._says("unreachable", 0, 0, self._no_way())
        said = await asyncio.gather(
            *(_ask(self._place, there, canaries.question(one.entry), self._room) for one in self._found)
        )
        passed, silent = said.count(Said.PASSED), said.count(Said.NOTHING)
        if passed:
            return self._says("failed", len(said), passed, f"{passed} of {len(said)} got through")
        if silent:
            reason = f"{silent} of {len(said)} were refused, or unanswered within {TIMEOUT_S:g} s"
            return self._says("unreachable", len(said), silent, reason)
        return self._says("passed", len(said), 0, None)

    def _says(self, state: State, asked: int, failed: int, reason: str | None) -> Result:
        place = self._place
        return Result(self._found[0].list_id, place.plane, place.name, state, asked, failed, reason)

    def _clients(self) -> Sequence[Network]:
        """Whose questions this list decides: all clients, or those of a profile."""
        networks = [
            network
            for profile in self._config.profiles
            if profile.id == self._profile
            for network in profile.networks
        ]
        if self._profile is None:
            return self._place.clients
        return [narrower for one in self._place.clients for narrower in _shared(one, networks)]

    def _no_way(self) -> str:
        table = self._place.table
        if self._profile is not None:
            return (
                f"this machine has no address in the networks of profile {self._profile} and {table}.clients"
            )
        return _no_client(table)


def _no_client(table: str) -> str:
    return f"this machine has no address in {table}.clients: add one, so that it can ask as a client"


def _shared(one: Network, others: Iterable[Network]) -> list[Network]:
    """The parts of a network that are also in others: networks are nested or apart."""
    near = [other for other in others if other.version == one.version and other.overlaps(one)]
    return [one if one.prefixlen > other.prefixlen else other for other in near]


async def _control(place: Listener, room: asyncio.Semaphore) -> Result:
    """What no list holds must pass; where it goes unanswered, the upstreams may be why."""
    there = way(place.listen, place.clients)

    def says(state: State, asked: int, reason: str | None) -> Result:
        failed = 0 if state == "passed" else asked
        return Result(SELF_TEST, place.plane, place.name, state, asked, failed, reason, "pass")

    if there is None:
        return says("unreachable", 0, _no_client(place.table))
    match await _ask(place, there, Question(CONTROL_HOST, None), room):
        case Said.PASSED:
            return says("passed", 1, None)
        case Said.BLOCKED:
            return says("failed", 1, "a name that no list holds was blocked: everything may be")
        case _:
            return says("unreachable", 1, f"refused, or no answer within {TIMEOUT_S:g} s")


async def _ask(place: Listener, there: Way, asked: Question, room: asyncio.Semaphore) -> Said:
    async with room:
        return await place.ask(there, asked)
