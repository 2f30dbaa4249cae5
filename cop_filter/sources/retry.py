"""Tries again after failures that may pass: exponential backoff with full jitter, within bounds."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeVar

from cop_filter.sources.result import TryAgain

Sleep = Callable[[float], Awaitable[None]]
_Result = TypeVar("_Result")

_FIRST_S = 1.0
_LONGEST_S = 60.0


async def retrying(
    attempt: Callable[[], Awaitable[_Result]],
    *,
    retries: int,
    rng: random.Random,
    sleep: Sleep = asyncio.sleep,
) -> _Result:
    """Await `attempt()` once and up to `retries` times more while it raises TryAgain.

    Full jitter (a wait drawn between nothing and the bound) keeps the many subscribers of one
    authority from coming back in step. A server that asks for longer than a minute is not waited
    for here: the TryAgain goes up, and the next scheduled refresh minds its `after_s`.
    """
    for failures in range(retries):
        try:
            return await attempt()
        except TryAgain as failure:
            if failure.after_s is not None and failure.after_s > _LONGEST_S:
                raise
            wait_s = rng.uniform(0, min(_LONGEST_S, _FIRST_S * 2**failures))
            wait_s = max(wait_s, failure.after_s or 0.0)
        await sleep(wait_s)
    return await attempt()


def retry_after_s(header: str | None, now: float) -> float | None:
    """Seconds asked for by a Retry-After header (RFC 9110 §10.2.3); None when absent or senseless.

    `now` is Unix time, for the form that gives a date.
    """
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    try:
        return max(0.0, at.replace(tzinfo=at.tzinfo or UTC).timestamp() - now)
    except (OverflowError, ValueError):
        return None
