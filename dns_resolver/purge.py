"""Cached answers of names that are newly listed for everybody, dropped after a swap.

Not what enforces a new list (that is deciding again whenever an answer is sent), but what keeps
the cache from holding what it may not tell.
"""

import asyncio

from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action
from dns_resolver import qname
from dns_resolver.cache import Cache
from dns_resolver.message import Answer, Asked
from dns_resolver.qname import Decider

_STEP = 1000
"""Answers judged between two turns of the event loop: a few milliseconds, no query notices."""


async def purge_listed(cache: Cache, engine: Decider) -> int:
    """Drop what leads to a listed (or newly steered) name; how many answers were dropped."""
    dropped = 0
    for step in cache.steps(_STEP):
        for asked in _listed(engine, step):
            cache.drop(asked)
            dropped += 1
        await asyncio.sleep(0)
    return dropped


def _listed(engine: Decider, kept: list[tuple[Asked, Answer]]) -> list[Asked]:
    names: list[bytes] = []
    owners: list[tuple[Asked, bool]] = []
    for asked, answer in kept:
        names.append(asked.name)
        owners.append((asked, True))
        names.extend(answer.hosts)
        owners.extend((asked, False) for _ in range(len(names) - len(owners)))
    hosts = [qname.text(qname.labels(name)) for name in names]
    doomed: dict[Asked, None] = {}
    verdicts = engine.decide_hosts(hosts)
    for host, (asked, asked_itself), verdict in zip(hosts, owners, verdicts, strict=True):
        judged = qname.decide(engine, host) if isinstance(verdict, InvalidUrl) else verdict
        if judged.stops or (asked_itself and judged.action is Action.STEER):
            doomed[asked] = None
    return list(doomed)
