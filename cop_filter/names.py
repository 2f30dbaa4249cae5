"""Canonical host and URL: the one normaliser, for list entries and for traffic.

A thin face of the native one. Rules: Google Safe Browsing "URLs and Hashing", widened so that all
spellings which browsers (WHATWG URL) treat alike get one key.
"""

from typing import NamedTuple

from cop_filter import _native
from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Spelling


def _spelling(tag: int) -> Spelling:
    return Spelling.FOLDED if tag else Spelling.EXACT


class CanonicalUrl(NamedTuple):
    """A URL in canonical form, all ASCII.

    `tag` is 0 when a browser sees no difference between the given spelling and this one, else a
    hash of what a browser sees.
    """

    scheme: str
    host: str
    path: str
    query: str | None
    tag: int

    @property
    def text(self) -> str:
        """The whole URL, as in the Safe Browsing vectors."""
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.scheme}://{self.host}{self.path}{query}"

    @property
    def key(self) -> str:
        """What is listed and looked up: no scheme, and a lone `?` asks for the same page as none."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.host}{self.path}{query}"

    @property
    def spelling(self) -> Spelling:
        """Whether folding beyond what browsers do was needed."""
        return _spelling(self.tag)


class CanonicalHost(NamedTuple):
    """A host in canonical form: a name in lower-case A-labels, an IPv4 address, or `[IPv6]`."""

    name: str
    tag: int
    is_address: bool

    @property
    def spelling(self) -> Spelling:
        """Whether folding beyond what browsers do was needed."""
        return _spelling(self.tag)


def canonical_url(url: str | bytes) -> CanonicalUrl:
    """The canonical form of a URL; a missing scheme reads as http.

    Raises InvalidUrl with the reason: no host, a scheme that is not http(s), ws(s) or ftp, a host
    over 253 bytes, a label over 63, more than 64 KiB in all.
    """
    try:
        return CanonicalUrl(*_native.canonical_url(url))
    except ValueError as reason:
        raise InvalidUrl(str(reason)) from None


def canonical_host(host: str | bytes) -> CanonicalHost:
    """The canonical form of a host name or address literal (`host:port` is read as its host).

    Raises InvalidUrl with the reason.
    """
    try:
        name, tag, is_address = _native.canonical_host(host)
    except ValueError as reason:
        raise InvalidUrl(str(reason)) from None
    return CanonicalHost(name, tag, is_address)


def canonical_urls(urls: list[str]) -> list[CanonicalUrl | InvalidUrl]:
    """`canonical_url` for many; what is invalid stands as its error in its place."""
    return [
        InvalidUrl(parts) if isinstance(parts, str) else CanonicalUrl(*parts)
        for parts in _native.canonical_urls(urls)
    ]


def canonical_hosts(hosts: list[str]) -> list[CanonicalHost | InvalidUrl]:
    """`canonical_host` for many; what is invalid stands as its error in its place."""
    return [
        InvalidUrl(parts) if isinstance(parts, str) else CanonicalHost(*parts)
        for parts in _native.canonical_hosts(hosts)
    ]


def safe_browsing_expressions(url: CanonicalUrl) -> list[str]:
    """The host-suffix and path-prefix expressions of Safe Browsing (at most 5 hosts by 6 paths).

    For authorities that name entries this way. The index is not bound to these limits.
    """
    hosts = [url.host]
    if not canonical_host(url.host).is_address:
        labels = url.host.split(".")
        # The last five labels at most, and never the top level alone.
        first = max(1, len(labels) - 5)
        hosts += [".".join(labels[i:]) for i in range(first, len(labels) - 1)]
    paths = [url.path if url.query is None else f"{url.path}?{url.query}", url.path]
    segments = url.path.split("/")[1:-1]
    paths += [
        "/" + "".join(f"{segment}/" for segment in segments[:n]) for n in range(min(4, len(segments) + 1))
    ]
    return [host + path for host in hosts for path in dict.fromkeys(paths)]
