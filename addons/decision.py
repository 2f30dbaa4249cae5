"""What a proxy decides, without the proxy: pure functions from what a client said to a Verdict.

A client can name a site in several places, and proxy and origin may each believe another one. So every
place is read, all must name the same host, and an ambiguous request is refused, not interpreted.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from addons.readings import readings
from cop_filter.errors import InvalidUrl
from cop_filter.names import canonical_host
from cop_filter.verdict import Action, Plane, Query, Verdict

_NOT_IN_TARGETS = frozenset([*range(0x21), 0x7F])
_NOT_IN_HOSTS = frozenset(b"\x00\t\n\r #/?@\\")
"""Bytes that end a host in a URL: a Host header with one of them could move the path."""


class Decider(Protocol):
    """What enforcement needs of the engine. All raise InvalidUrl where the word is no host or URL."""

    @property
    def generation(self) -> int: ...

    def decide_host(self, name: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...

    def decide_url(self, url: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...

    def inspects(self, host: str | bytes, profile: str | None = ...) -> bool: ...

    def explain(self, query: Query) -> Verdict: ...

    def confidential_pages(self, host: str | bytes, profile: str | None = ...) -> int | None: ...

    def protects(self, host: str | bytes) -> bool: ...

    @property
    def has_keywords(self) -> bool: ...


class Asked(NamedTuple):
    """A request as its client put it.

    `authorities` are all places that name the site, `host[:port]` each, as raw bytes. `tunnel` is the
    host that the client had itself connected to, None outside a tunnel. `path` holds the query too.
    """

    scheme: bytes
    path: bytes
    authorities: Sequence[bytes]
    tunnel: bytes | None = None


def decide_request(engine: Decider, asked: Asked, profile: str | None = None) -> Verdict:
    """The verdict for a request: the strictest over every host it names and every reading of its path.

    Here and below, `profile` is the client's.

    Raises InvalidUrl where it names no host, an impossible one, or more than one, and where its target is
    no path.
    """
    return _strictest([engine.decide_url(url, Plane.HTTP, profile) for url in _urls(asked)])


def entry_of_request(engine: Decider, asked: Asked, profile: str | None = None) -> int | None:
    """The opaque reference of the entry that stops a request, as `decide_request` does; None: none."""
    for url in _urls(asked):
        if engine.decide_url(url, Plane.HTTP, profile).stops:
            return engine.explain(Query(Plane.HTTP, "", url, profile)).reference
    return None


def _urls(asked: Asked) -> Iterator[bytes]:
    hosts = hosts_of(asked)
    path = b"/" if asked.path == b"*" else asked.path
    if not path.startswith(b"/") or not _NOT_IN_TARGETS.isdisjoint(path):
        # HTTP/2 can carry these, and an HTTP/1 origin would read a whole URL or another request line.
        raise InvalidUrl("a request target must be a path, without spaces and control characters")
    for host in hosts:
        for reading in readings(path):
            yield b"%s://%s%s" % (asked.scheme, bracketed(host), reading)


def hosts_of(asked: Asked) -> list[bytes]:
    """The hosts that a request names, as spelled: one, and the address of its tunnel if that is an address.

    Raises InvalidUrl where it names no host, an impossible one, or more than one.
    """
    spellings = {canonical_host(host).name: host for host in map(host_part, asked.authorities)}
    if asked.tunnel is not None:
        end = canonical_host(asked.tunnel)
        # A tunnel to an address says where to go and leaves it to the request to say to whom.
        if end.is_address and len(spellings) <= 1:
            return list({**spellings, end.name: asked.tunnel}.values())
        spellings[end.name] = asked.tunnel
    if len(spellings) != 1:
        raise InvalidUrl("a request must name exactly one host")
    return list(spellings.values())


def decide_connection(engine: Decider, hosts: Iterable[bytes], profile: str | None = None) -> Verdict:
    """The verdict for a tunnel, of which only the hosts are known (one at least).

    Domain entries of both planes count, for what is asked inside may stay unseen. Raises InvalidUrl
    where a host is impossible.
    """
    return _strictest([engine.decide_host(host, plane, profile) for host, plane in _ends(hosts)])


def entry_of_connection(engine: Decider, hosts: Iterable[bytes], profile: str | None = None) -> int | None:
    """The opaque reference of the entry that stops a tunnel, as `decide_connection` does; None: none."""
    for host, plane in _ends(hosts):
        if engine.decide_host(host, plane, profile).stops:
            return engine.explain(Query(plane, host, profile=profile)).reference
    return None


def _ends(hosts: Iterable[bytes]) -> Iterator[tuple[bytes, Plane]]:
    return ((host, plane) for host in hosts for plane in (Plane.TLS, Plane.HTTP))


def inspects(engine: Decider, hosts: Iterable[bytes], profile: str | None = None) -> bool:
    """Whether what is asked of any of the hosts must be seen, because some of its pages are listed."""
    return any(engine.inspects(host, profile) for host in hosts)


def confidential_pages(engine: Decider, hosts: Iterable[bytes], profile: str | None = None) -> list[int]:
    """The opaque references of those hosts of which a confidential list has pages.

    Whoever sees that a host is inspected learns that.
    """
    found = (engine.confidential_pages(host, profile) for host in hosts)
    return [reference for reference in found if reference is not None]


def can_be_listed(
    engine: Decider, hosts: Iterable[bytes], profile: str | None = None, *, tunnel: bool, inspect: bool = True
) -> bool:
    """Whether what is asked of the hosts could be listed: unless all are protected and none has listed pages.

    Of what passes in a tunnel only pages are seen, and those only if `inspect`; of a request also keywords.
    """
    hosts = list(hosts)
    if not all(engine.protects(host) for host in hosts):
        return True
    if tunnel:
        return inspect and inspects(engine, hosts, profile)
    return engine.has_keywords or inspects(engine, hosts, profile)


def host_part(authority: bytes) -> bytes:
    """The host of `host[:port]`, as spelled. Raises InvalidUrl for anything that is more than that."""
    if not authority or not _NOT_IN_HOSTS.isdisjoint(authority):
        raise InvalidUrl("an authority must be a host and at most a port")
    if authority.startswith(b"["):
        host, bracket, rest = authority.partition(b"]")
        host, port = host + bracket, rest
    else:
        host, colon, rest = authority.partition(b":")
        port = colon + rest
    if port and not (port.startswith(b":") and (port[1:].isdigit() or port == b":")):
        raise InvalidUrl("an authority's port must be a number")
    return host


def bracketed(host: bytes) -> bytes:
    """The host as it stands in a URL: an IPv6 literal needs its brackets (RFC 3986 §3.2.2)."""
    return b"[%s]" % host if b":" in host and not host.startswith(b"[") else host


def _strictest(verdicts: Sequence[Verdict]) -> Verdict:
    for action in (Action.BLOCK, Action.OBSERVE):
        for verdict in verdicts:
            if verdict.action is action:
                return verdict
    return verdicts[-1]
