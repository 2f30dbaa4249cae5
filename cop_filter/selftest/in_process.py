"""Whether an engine blocks the canaries that it should: without a listener, before it is trusted with one."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from cop_filter.canaries import Canary, question
from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action, Plane, Verdict


class Decider(Protocol):
    """What is asked of the engine."""

    def decide_host(self, name: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...
    def decide_url(self, url: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...


class Failure(NamedTuple):
    """How many canaries of a list an engine lets pass on a plane."""

    list_id: str
    plane: Plane
    canaries: int


def decides(engine: Decider, canaries: Iterable[Canary]) -> tuple[Failure, ...]:
    """Which canaries the engine would let pass, of all planes that could see them; none: all is well."""
    failed: dict[tuple[str, Plane], int] = {}
    for canary in canaries:
        for plane in askable(canary):
            if not _blocks(engine, canary, plane):
                failed[canary.list_id, plane] = failed.get((canary.list_id, plane), 0) + 1
    return tuple(Failure(list_id, plane, count) for (list_id, plane), count in failed.items())


def askable(canary: Canary) -> tuple[Plane, ...]:
    """The planes of its list on which a canary can show: a page is seen on http only."""
    is_page = question(canary.entry).url is not None
    return tuple(plane for plane in canary.planes if plane is Plane.HTTP or not is_page)


def _blocks(engine: Decider, canary: Canary, plane: Plane) -> bool:
    asked = question(canary.entry)
    try:
        if asked.url is not None:
            return engine.decide_url(asked.url, plane, canary.profile).action is Action.BLOCK
        return engine.decide_host(asked.host, plane, canary.profile).action is Action.BLOCK
    except InvalidUrl:
        return False
