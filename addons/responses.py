"""Answers that never came from an origin, as mitmproxy responses."""

import time

from mitmproxy.http import Headers, Request, Response

from cop_filter.config import OperatorConfig
from cop_filter.splash.page import STATUS, Page, render
from cop_filter.verdict import Verdict

_REFUSAL = b"400 Bad Request\n\nThe request names no host, an impossible one, or more than one.\n"
_ASTRAY = b"403 Forbidden\n\nThis proxy leads nobody to the machine that it runs on.\n"
_LAST_RESORT = b"451 Unavailable For Legal Reasons\n\nThe request could not be checked and was not sent.\n"
_REASONS = {400: b"Bad Request", 403: b"Forbidden", STATUS: b"Unavailable For Legal Reasons"}
_BARE = {"Cache-Control": "no-store"}
_PLAIN = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def blocked(request: Request, verdict: Verdict | None, operator: OperatorConfig) -> Response:
    """The page (RFC 7725) for a request that is stopped."""
    page = render(verdict, operator, request.headers.get("Accept-Language", ""))
    return _answer(request, page)


def refused(request: Request) -> Response:
    """The answer to a request whose target is ambiguous or impossible; it quotes nothing."""
    return _answer(request, Page(400, _PLAIN, _REFUSAL))


def astray(request: Request) -> Response:
    """The answer to a request for the machine itself; it quotes nothing."""
    return _answer(request, Page(403, _PLAIN, _ASTRAY))


def past_budget(request: Request) -> Response:
    """The answer to everybody whose network was told enough: it says nothing of what was asked for."""
    return _answer(request, Page(403, _BARE, b""))


def last_resort(request: Request) -> Response:
    """A block that needs nothing to work; for when making the page has failed too."""
    return _answer(request, Page(STATUS, _PLAIN, _LAST_RESORT))


def has_body(request: Request) -> bool:
    """Whether the client announced a body (RFC 9112 §6); HTTP/2 need not announce one."""
    headers = request.headers
    return request.is_http2 or "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0"


def _answer(request: Request, page: Page) -> Response:
    fields = [(name.encode(), value.encode()) for name, value in page.headers.items()]
    fields.append((b"Content-Length", b"%d" % len(page.body)))
    if not request.is_http2 and (page.status == 400 or request.method == "CONNECT" or has_body(request)):
        # An upload is not waited for; after an ambiguous request nobody knows where the next one begins;
        # and mitmproxy would take a connection for the tunnel that it was refused.
        fields.append((b"Connection", b"close"))
    now = time.time()
    return Response(
        http_version=request.data.http_version,
        status_code=page.status,
        reason=b"" if request.is_http2 else _REASONS[page.status],
        headers=Headers(fields),
        # mitmproxy sends a body even in answer to HEAD.
        content=b"" if request.method == "HEAD" else page.body,
        trailers=None,
        timestamp_start=now,
        timestamp_end=now,
    )
