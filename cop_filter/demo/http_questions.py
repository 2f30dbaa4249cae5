"""What is asked of the proxy and of the page's server, and what they must answer."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cop_filter.demo.lists import FORMATS_WITH_URLS, Published
from cop_filter.demo.replies import UNTRUSTED, HttpClient, HttpRequest, http_words
from cop_filter.demo.rows import Row, compared

PAGE = "451 page"
ORIGIN = "200 origin"
REFUSED = "400"
STOPPED = "451 to CONNECT"
UNTOUCHED = ", untouched"
"""The client saw the origin's own certificate."""
DECRYPTED = ", decrypted"
"""The client saw a certificate of the proxy's."""

LISTED = "http://site.example/listed.html"
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class HttpQuestion(NamedTuple):
    """One request; `about` in plain words, `shown` what is worth showing of it besides the URL."""

    about: str
    expected: str
    request: HttpRequest
    shown: str = ""


def _get(about: str, expected: str, url: str) -> HttpQuestion:
    return HttpQuestion(about, expected, HttpRequest(url))


HTTP_QUESTIONS = (
    _get("a listed page", PAGE, LISTED),
    _get("the page beside it", ORIGIN, "http://site.example/other.html"),
    _get("the site's front page", ORIGIN, "http://site.example/"),
    _get("below a listed path", PAGE, "http://site.example/gallery/7/picture.jpg"),
    _get("... but not beside it", ORIGIN, "http://site.example/gallery2/picture.jpg"),
    _get("listed with any query", PAGE, "http://site.example/search?q=anything"),
    _get("listed without a query", ORIGIN, f"{LISTED}?print=1"),
    _get("listed as user/*/album", PAGE, "http://site.example/user/42/album"),
    _get("... which this is not", ORIGIN, "http://site.example/user/42/7/album"),
    _get("on a listed domain", PAGE, "http://www.bad.example/some/page"),
    _get("on a dry-run list", ORIGIN, "http://trial.example/"),
    _get("not listed", ORIGIN, "http://good.example/listed.html"),
)

SPELLINGS = (
    _get("letters as %XX", PAGE, "http://site.example/%6Ciste%64.html"),
    _get("escaped twice", PAGE, "http://site.example/list%2565d.html"),
    _get("dot segments", PAGE, "http://site.example/x/.././listed.html"),
    _get("dot segments as %2e", PAGE, "http://site.example/x/%2e%2e/listed.html"),
    _get("doubled slashes", PAGE, "http://site.example///listed.html"),
    _get("a backslash", PAGE, "http://site.example/x\\..\\listed.html"),
    _get("capitals, a final dot", PAGE, "http://SITE.example./listed.html"),
    _get("another port", PAGE, "http://site.example:8080/listed.html"),
    HttpQuestion("an upload", PAGE, HttpRequest(LISTED, "POST", body=b"x" * 4096), "-X POST"),
    HttpQuestion("only the headers", PAGE, HttpRequest(LISTED, "HEAD"), "-I"),
    HttpQuestion("a WebSocket", PAGE, HttpRequest(LISTED, headers=_UPGRADE), "-H Upgrade:websocket"),
    HttpQuestion(
        "two sites at once",
        REFUSED,
        HttpRequest(LISTED, headers={"Host": "good.example"}),
        "-H Host:good.example",
    ),
)

HTTPS_QUESTIONS = (
    _get("a listed domain", STOPPED, "https://bad.example/"),
    _get("a listed page", PAGE + DECRYPTED, "https://site.example/listed.html"),
    _get("the page beside it", ORIGIN + DECRYPTED, "https://site.example/other.html"),
    HttpQuestion(
        "over HTTP/2",
        f"HTTP/2 {PAGE}{DECRYPTED}",
        HttpRequest("https://site.example/listed.html", http2=True),
        "--http2",
    ),
    _get("no page of it listed", ORIGIN + UNTOUCHED, "https://good.example/"),
)

HTTPS_HOSTS = ("bad.example", "site.example", "good.example")
"""The hosts that the origin's certificate is for."""


def sample_questions(samples: tuple[Published, ...]) -> tuple[HttpQuestion, ...]:
    """A listed page of each sample list that can hold one, and the page beside it."""
    ids = {published.id for published in samples}
    return tuple(
        question
        for name in FORMATS_WITH_URLS
        if f"sample-{name}" in ids
        for question in (
            _get(f"{name}: a listed page", PAGE, f"http://pages.{name}.example/listed/page.html"),
            _get("... the one beside it", ORIGIN, f"http://pages.{name}.example/listed/none.html"),
        )
    )


class Trust(NamedTuple):
    """The files of the two certificate authorities that a browser behind this proxy would trust."""

    origin: Path
    proxy: Path


async def ask(client: HttpClient, question: HttpQuestion, proxy: str, trust: Trust) -> Row:
    """Put one question through the proxy, and compare.

    Over HTTPS the client first trusts the origin's authority alone, then the proxy's alone: so the
    answer shows who was at the other end.
    """
    request = replace(question.request, proxy=proxy)
    secure = request.url.startswith("https:")
    certificate = UNTOUCHED if secure else ""
    reply = await client.fetch(replace(request, trust=trust.origin) if secure else request)
    if secure and reply.trouble == UNTRUSTED:
        certificate = DECRYPTED
        reply = await client.fetch(replace(request, trust=trust.proxy))
    got = http_words(reply, hidden=_hidden(request.url))
    if reply.status:
        got += certificate
        if request.http2:
            got = f"HTTP/{reply.version} {got}"
    # Without a scheme, curl takes http too.
    url = request.url.removeprefix("http://")
    asked = " ".join(filter(None, [client.name, question.shown, url]))
    return compared(question.about, asked, question.expected, got)


def _hidden(url: str) -> tuple[str, ...]:
    """What a page for this URL must not repeat."""
    host, _, path = url.partition("//")[2].partition("/")
    return (host, path) if path else (host,)
