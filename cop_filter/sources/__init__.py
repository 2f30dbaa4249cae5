"""Fetches a list whole, or says why not; one file per transport.

fetch ──> https.download (with retry) ──┐
      └─> file.read ────────────────────┴─> content.open_body ──> Fetched | NotModified
"""

import asyncio
import random
import time
from collections.abc import Callable

import aiohttp

from cop_filter.config import ListConfig
from cop_filter.errors import FetchFailed
from cop_filter.sources import file, https
from cop_filter.sources.content import open_body
from cop_filter.sources.https import open_session
from cop_filter.sources.result import Body, Fetched, NotModified, Progress, TryAgain, Validators
from cop_filter.sources.retry import Sleep, retrying

__all__ = ["Fetched", "NotModified", "Progress", "TryAgain", "Validators", "fetch", "open_session"]


async def fetch(
    wanted: ListConfig,
    validators: Validators,
    *,
    session: aiohttp.ClientSession,
    rng: random.Random,
    clock: Callable[[], float] = time.time,
    sleep: Sleep = asyncio.sleep,
    progress: Progress | None = None,
) -> Fetched | NotModified:
    """Fetch one list from its https:, http: or file: source, and unpack it.

    `validators` are what the last accepted answer carried (empty: ask for the whole list); `clock`
    gives Unix time; `progress` hears bytes received and bytes expected. Raises FetchFailed, whose
    message holds no address, path or secret; TryAgain is its kind that may pass by itself.
    """
    scheme = wanted.source.partition(":")[0].lower()

    async def attempt() -> Body | NotModified:
        if scheme == "file":
            return await _read_file(wanted, validators)
        return await https.download(wanted, validators, session=session, clock=clock, progress=progress)

    if scheme not in ("https", "http", "file"):
        raise FetchFailed("the source is neither https: nor http: nor file:")
    answer = await retrying(attempt, retries=wanted.retries, rng=rng, sleep=sleep)
    if isinstance(answer, NotModified):
        return answer
    return await asyncio.to_thread(open_body, answer, wanted.max_unpacked_bytes)


async def _read_file(wanted: ListConfig, validators: Validators) -> Body | NotModified:
    try:
        # A file on a dead network mount blocks its thread; the list's task must go on all the same.
        async with asyncio.timeout(wanted.timeout_s):
            return await asyncio.to_thread(file.read, wanted.source, validators, wanted.max_bytes)
    except TimeoutError:
        raise TryAgain(f"the file was not read within timeout ({wanted.timeout_s:g} s)") from None
