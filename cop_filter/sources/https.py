"""Fetches a list over HTTP(S) from a server that may be broken, hijacked or hostile.

One attempt: request, redirects, status, size and time. What is inside the body is `content`'s
business, trying again is `retry`'s. Bodies arrive undecoded, so that our own bounds hold.
"""

import asyncio
import io
import ssl
from collections.abc import Callable
from typing import NamedTuple

import aiohttp
from yarl import URL

from cop_filter.config import ListConfig
from cop_filter.errors import FetchFailed
from cop_filter.sources import credentials
from cop_filter.sources.failures import NETWORK_ERRORS, translated
from cop_filter.sources.result import Body, NotModified, NotServed, Progress, TryAgain, Validators
from cop_filter.sources.retry import retry_after_s

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({408, 425, 429})
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_STALL_SHARE = 0.5
"""A server that is silent for this share of the time limit is given up early."""

_MAX_VALIDATOR_CHARS = 1024


def open_session() -> aiohttp.ClientSession:
    """A session for all lists: no cookies, no proxy or netrc from the environment, no shared connections.

    No limit of connections either: a hanging server must not use up another list's turn.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        headers={"User-Agent": "cop-filter", "Accept": "*/*", "Accept-Encoding": "gzip, zstd"},
    )


async def download(
    wanted: ListConfig,
    validators: Validators,
    *,
    session: aiohttp.ClientSession,
    clock: Callable[[], float],
    progress: Progress | None = None,
    accept: str | None = None,
) -> Body | NotModified:
    """Ask once for the list, and give its body as it came (still packed, at most `max_bytes`).

    `clock` gives Unix time; `accept` is the media type to ask for (None: any). Raises TryAgain for what
    may pass (timeouts, broken connections, 408, 425, 429, 5xx) and FetchFailed for the rest.
    """
    try:
        async with asyncio.timeout(wanted.timeout_s):
            return await _follow(_Question(wanted, validators, session, clock, progress, accept))
    except aiohttp.ServerTimeoutError:
        raise TryAgain("the server fell silent") from None
    except TimeoutError:
        raise TryAgain(f"the list did not arrive within timeout ({wanted.timeout_s:g} s)") from None
    except NETWORK_ERRORS as error:
        # "from None": the cause's text holds the address that was asked for.
        raise translated(error) from None


class _Question(NamedTuple):
    """What `download` was called with."""

    wanted: ListConfig
    validators: Validators
    session: aiohttp.ClientSession
    clock: Callable[[], float]
    progress: Progress | None
    accept: str | None


async def _follow(asked: _Question) -> Body | NotModified:
    wanted = asked.wanted
    url = URL(wanted.source)
    if url.user is not None or url.password is not None:
        raise FetchFailed("the source carries a user or password; use username and password_file")
    home, at_home = url.origin(), True
    for _ in range(wanted.max_redirects + 1):
        # Secrets go to the configured origin only; once led away, they stay at home for good.
        at_home = at_home and url.origin() == home
        proof, context = await asyncio.to_thread(_prove, wanted, url.scheme, at_home=at_home)
        async with asked.session.get(
            url,
            headers=_headers(asked, proof),
            allow_redirects=False,
            ssl=context if context is not None else True,
            timeout=aiohttp.ClientTimeout(
                total=None,
                sock_connect=wanted.timeout_s * _STALL_SHARE,
                sock_read=wanted.timeout_s * _STALL_SHARE,
            ),
        ) as response:
            if response.status not in _REDIRECTS:
                return await _take(response, asked)
            url = _next_hop(url, response.headers.get("Location", ""))
    raise FetchFailed(f"redirected more than max_redirects ({wanted.max_redirects}) times")


def _prove(wanted: ListConfig, scheme: str, *, at_home: bool) -> tuple[str | None, ssl.SSLContext | None]:
    proof = credentials.authorization(wanted.credentials) if at_home else None
    if scheme == "https":
        return proof, credentials.tls(wanted.ca_file, wanted.credentials if at_home else None)
    if proof is not None or (at_home and wanted.credentials.client_certificate_file is not None):
        raise FetchFailed("credentials would cross the network in clear; use an https source")
    return None, None


def _headers(asked: _Question, proof: str | None) -> dict[str, str]:
    headers = {
        "If-None-Match": asked.validators.etag,
        "If-Modified-Since": asked.validators.last_modified,
        "Authorization": proof,
        "Accept": asked.accept,
    }
    return {name: value for name, value in headers.items() if value is not None}


def _next_hop(url: URL, location: str) -> URL:
    try:
        target = url.join(URL(location)).with_fragment(None)
        if not location or target.scheme not in ("http", "https") or not target.host:
            raise FetchFailed("redirected to nowhere")
    except ValueError:
        raise FetchFailed("redirected to nowhere") from None
    if url.scheme == "https" and target.scheme != "https":
        raise FetchFailed("redirected from https to http; refused")
    if target.user is not None or target.password is not None:
        raise FetchFailed("redirected to an address with a user or password; refused")
    return target


async def _take(response: aiohttp.ClientResponse, asked: _Question) -> Body | NotModified:
    _check_status(response, asked.clock(), conditional=any(asked.validators))
    if response.status == 304:
        return NotModified()
    if response.content_type in _WEB_PAGES:
        raise FetchFailed("the answer is a web page (Content-Type: text/html), not a list")
    length = response.content_length
    body = await _receive(response.content, length, asked.wanted.max_bytes, asked.progress)
    if length is not None and len(body) != length:
        raise TryAgain("the answer was cut off: it is shorter than its Content-Length")
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    return Body(
        {"": body},
        Validators(
            _printable(response.headers.get("ETag")), _printable(response.headers.get("Last-Modified"))
        ),
        coding if coding not in ("", "identity") else None,
        ends_known=length is not None or _is_chunked(response.headers.getall("Transfer-Encoding", [])),
    )


def _check_status(response: aiohttp.ClientResponse, now: float, *, conditional: bool) -> None:
    status = response.status
    if status == 200 or (status == 304 and conditional):
        return
    if status in _MAY_PASS or status >= 500:
        raise TryAgain(
            f"the server answered {status}", retry_after_s(response.headers.get("Retry-After"), now)
        )
    hint = "; check the list's credentials" if status in (401, 403) else ""
    raise NotServed(f"the server answered {status}{hint}", status)


async def _receive(
    stream: aiohttp.StreamReader, length: int | None, max_bytes: int, progress: Progress | None
) -> bytes:
    body = io.BytesIO()
    if length is not None and length > max_bytes:
        raise FetchFailed(f"the answer is larger than max_bytes ({max_bytes})")
    while piece := await stream.readany():
        body.write(piece)
        if body.tell() > max_bytes:
            raise FetchFailed(f"the answer is larger than max_bytes ({max_bytes})")
        if progress is not None:
            progress(body.tell(), length)
    return body.getvalue()


def _is_chunked(codings: list[str]) -> bool:
    """Whether the body tells its own end (RFC 9112 §6.3): any other coding ends with the connection."""
    return ",".join(codings).rpartition(",")[2].strip().lower() == "chunked"


def _printable(header: str | None) -> str | None:
    usable = header is not None and len(header) <= _MAX_VALIDATOR_CHARS and header.isascii()
    return header if usable and header and header.isprintable() else None
