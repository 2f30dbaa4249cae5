"""Fetches a list whole, or says why not; one file per transport.

fetch ──> a transport (with retry) ──> Body ──> content.open_body ──> Fetched | NotModified

A transport that gets more than a file (a signed list, a zone, a collection) gives Fetched itself.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp

from cop_filter.config import ListConfig
from cop_filter.errors import FetchFailed
from cop_filter.sources import file, https, signed, taxii
from cop_filter.sources.content import open_body
from cop_filter.sources.https import open_session
from cop_filter.sources.result import Body, Fetched, NotModified, Progress, TryAgain, Validators, Vouched
from cop_filter.sources.retry import Sleep, retrying
from cop_filter.sources.visit import Visit

__all__ = ["Fetched", "NotModified", "Progress", "TryAgain", "Validators", "Vouched", "fetch", "open_session"]


async def fetch(
    wanted: ListConfig,
    validators: Validators,
    *,
    session: aiohttp.ClientSession,
    rng: random.Random,
    memory: Path,
    held: str | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Sleep = asyncio.sleep,
    progress: Progress | None = None,
) -> Fetched | NotModified:
    """Fetch one list from its source, and unpack it.

    `validators` are what the last accepted answer carried (empty: ask for the whole list); `held` is the
    digest of what is in force, for sources that can send what changed since; `memory` is a folder for
    what the source itself remembers (versions seen, keys; never an entry), made when it is needed; `clock`
    gives Unix time; `progress` hears bytes received and bytes expected. Raises FetchFailed, whose
    message holds no address, path or secret; TryAgain is its kind that may pass by itself.
    """
    transport = _TRANSPORTS.get(wanted.source.partition(":")[0].lower())
    if transport is None:
        raise FetchFailed(f"the source is none of {', '.join(_TRANSPORTS)}")
    visit = Visit(wanted, validators, session, memory, held, clock, progress)
    answer = await retrying(partial(transport, visit), retries=wanted.retries, rng=rng, sleep=sleep)
    if isinstance(answer, Body):
        return await asyncio.to_thread(open_body, answer, wanted.max_unpacked_bytes)
    return answer


async def _read_file(visit: Visit) -> Body | NotModified:
    wanted = visit.wanted
    try:
        # A file on a dead network mount blocks its thread; the list's task must go on all the same.
        async with asyncio.timeout(wanted.timeout_s):
            return await asyncio.to_thread(file.read, wanted.source, visit.validators, wanted.max_bytes)
    except TimeoutError:
        raise TryAgain(f"the file was not read within timeout ({wanted.timeout_s:g} s)") from None


async def _download(visit: Visit) -> Body | NotModified:
    return await https.download(
        visit.wanted, visit.validators, session=visit.session, clock=visit.clock, progress=visit.progress
    )


async def _transfer_zone(visit: Visit) -> Fetched | NotModified:
    from cop_filter.sources import axfr  # noqa: PLC0415  dnspython is slow to import, and few lists need it

    return await axfr.transfer(visit)


async def _from_repository(visit: Visit) -> Fetched | NotModified:
    from cop_filter.sources import tuf  # noqa: PLC0415  slow to import, and few lists come this way

    return await tuf.fetch(visit)


Transport = Callable[[Visit], Awaitable[Body | Fetched | NotModified]]

_TRANSPORTS: dict[str, Transport] = {
    "https": _download,
    "http": _download,
    "file": _read_file,
    "signed+https": signed.fetch,
    "signed+http": signed.fetch,
    "axfr": _transfer_zone,
    "taxii+https": taxii.fetch,
    "taxii+http": taxii.fetch,
    "tuf+https": _from_repository,
    "tuf+http": _from_repository,
}
