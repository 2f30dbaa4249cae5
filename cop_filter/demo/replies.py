"""What a client asks and what it gets back, whatever program it is; and the words for it in the tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from cop_filter.demo.origin import MARK
from cop_filter.demo.upstream import REAL_ADDRESS

PAGE_ADDRESS = "127.0.0.2"
OPERATOR = "Example Net"
APPEALS = "https://isp.example/appeal"
HOTLINE = "https://hotline.example"
OFFICER = "Child safety officer, safety@isp.example"


class DnsReply(NamedTuple):
    """`addresses` are those of the answer section; `ede` the codes of RFC 8914, in rising order."""

    status: str
    addresses: tuple[str, ...] = ()
    ede: tuple[int, ...] = ()


class HttpReply(NamedTuple):
    """`status` is 0 when no response came. `headers` have lower-case names; `connect_status` is a
    proxy's answer to CONNECT, 0 where none was asked for."""

    status: int = 0
    headers: Mapping[str, str] = {}
    body: bytes = b""
    version: str = ""
    connect_status: int = 0
    trouble: str = ""


UNTRUSTED = "certificate not trusted"
"""The `trouble` of a TLS server whose certificate none of the trusted authorities has signed."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `proxy` and `server` are `host:port`; `server` replaces what DNS would say."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    proxy: str | None = None
    server: str | None = None
    trust: Path | None = None
    http2: bool = False


class DnsClient(Protocol):
    """A program that asks one resolver. Raises nothing: no answer is the status "no answer"."""

    name: str

    async def ask(self, name: str, qtype: str = "A", *, tcp: bool = False) -> DnsReply: ...


class HttpClient(Protocol):
    """A program that fetches one URL exactly as it is spelled."""

    name: str
    speaks_http2: bool

    async def fetch(self, request: HttpRequest) -> HttpReply: ...


REAL = "real address"
"""What the tables say of an answer that came from the upstream."""


def dns_words(reply: DnsReply) -> str:
    """A DNS response in a few words."""
    if reply.addresses:
        known = {REAL_ADDRESS: REAL, PAGE_ADDRESS: "page"}
        said = " ".join(known.get(address, address) for address in reply.addresses)
    else:
        said = "no data" if reply.status == "NOERROR" else reply.status
    return f"{said}, EDE {'+'.join(map(str, reply.ede))}" if reply.ede else said


def http_words(reply: HttpReply, *, hidden: tuple[str, ...] = ()) -> str:
    """An HTTP response in a few words; `hidden` are words that the page must not hold."""
    if reply.connect_status not in (0, 200):
        return f"{reply.connect_status} to CONNECT"
    if reply.status == 0:
        return reply.trouble or "no answer"
    if reply.status == 451:
        faults = page_faults(reply, hidden)
        return f"451, but {' and '.join(faults)}" if faults else "451 page"
    if reply.status == 200:
        return "200 origin" if MARK in reply.body else "200 from elsewhere"
    return str(reply.status)


def page_faults(reply: HttpReply, hidden: tuple[str, ...]) -> list[str]:
    """What a page that stands for a blocked one (RFC 7725) lacks or should not show."""
    text = reply.body.decode(errors="replace")
    wanted = {
        "no Link to who blocks": 'rel="blocked-by"' in reply.headers.get("link", ""),
        "it may be cached": "no-store" in reply.headers.get("cache-control", ""),
    }
    if reply.body:
        for what in (OPERATOR, APPEALS, HOTLINE):
            wanted[f"it does not name {what}"] = what in text
        wanted["it shows what was asked for"] = not any(word in text for word in hidden)
    return [fault for fault, fine in wanted.items() if not fine]
