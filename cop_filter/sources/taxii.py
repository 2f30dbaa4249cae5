"""Fetches a list that is a collection of STIX 2.1 indicators on a TAXII 2.1 server.

The source is the collection's address, `taxii+https://host/api-root/collections/ID/`. It is read whole every
time: what an indicator lists ends with its `valid_until`, without the server saying anything new.
"""

import asyncio
import json
from dataclasses import replace
from typing import Any

from yarl import URL

from cop_filter.errors import BadFormat, FetchFailed
from cop_filter.sources import https
from cop_filter.sources.content import digest_of, open_body
from cop_filter.sources.result import Body, Fetched, NotModified, TryAgain, Validators
from cop_filter.sources.stix import Indicators
from cop_filter.sources.visit import Visit

MEDIA_TYPE = "application/taxii+json;version=2.1"
_MAX_PAGES = 10_000
_PAGE_OBJECTS = 1000


async def fetch(visit: Visit) -> Fetched | NotModified:
    """One visit. Raises FetchFailed, TryAgain among it, and BadFormat for what is no collection."""
    try:
        async with asyncio.timeout(visit.wanted.timeout_s):
            indicators = await _read(visit)
    except TimeoutError:
        raise TryAgain(f"the list did not arrive within timeout ({visit.wanted.timeout_s:g} s)") from None
    lines = await asyncio.to_thread(indicators.lines, visit.clock())
    raw = {"": "".join(f"{line}\n" for line in lines).encode()}
    if not lines:
        raise FetchFailed("the collection lists nothing that is valid now")
    digest = digest_of(raw)
    accepted = Validators(etag=f"taxii {digest}")
    if digest == visit.held and visit.validators == accepted:
        return NotModified()
    return Fetched(raw, accepted, digest, format="plain")


async def _read(visit: Visit) -> Indicators:
    indicators = Indicators()
    objects = URL(visit.wanted.source.partition("+")[2].rstrip("/")) / "objects/"
    query = {"match[type]": "indicator", "limit": str(_PAGE_OBJECTS)}
    left = visit.wanted.max_bytes
    for _ in range(_MAX_PAGES):
        page, size = await _page(visit, objects.update_query(query), left)
        left -= size
        await asyncio.to_thread(indicators.add, page["objects"])
        following = page.get("next")
        if not page.get("more"):
            return indicators
        if not isinstance(following, str):
            raise BadFormat("the collection says that there is more, and not where")
        # It may be the same word each time: it names the server's session.
        query["next"] = following
    raise FetchFailed(f"the collection has more than {_MAX_PAGES} pages")


async def _page(visit: Visit, url: URL, max_bytes: int) -> tuple[dict[str, Any], int]:
    """One page (an envelope, TAXII 2.1 §3.7), and how many bytes it took."""
    if max_bytes <= 0:
        raise FetchFailed(f"the collection is larger than max_bytes ({visit.wanted.max_bytes})")
    asked = replace(visit.wanted, source=str(url), max_bytes=max_bytes)
    answer = await https.download(
        asked,
        Validators(),
        session=visit.session,
        clock=visit.clock,
        progress=visit.progress,
        accept=MEDIA_TYPE,
    )
    if isinstance(answer, NotModified):
        raise FetchFailed("the server answered 304 without being asked")
    return await asyncio.to_thread(_envelope, answer, visit.wanted.max_unpacked_bytes)


def _envelope(body: Body, max_unpacked_bytes: int) -> tuple[dict[str, Any], int]:
    raw = open_body(body, max_unpacked_bytes).raw.get("", b"")
    try:
        envelope = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadFormat("the server's answer is no JSON") from None
    if not isinstance(envelope, dict) or not isinstance(envelope.setdefault("objects", []), list):
        raise BadFormat("the server's answer is no TAXII 2.1 envelope; is the source a collection's address?")
    return envelope, len(raw)
