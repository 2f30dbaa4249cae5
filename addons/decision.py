"""What a proxy decides, without the proxy: pure functions from what a client said to a Verdict.

A client can name a site in several places, and proxy and origin may each believe another one. So every
place is read, all must name the same host, and an ambiguous request is refused, not interpreted.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from addons.readings import readings
from cop_filter.errors import InvalidUrl
from cop_filter.names import canonical_host
from cop_filter.verdict import Action, Plane, Verdict

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
    hosts = hosts_of(asked)
    path = b"/" if asked.path == b"*" else asked.path
    if not path.startswith(b"/") or not _NOT_IN_TARGETS.isdisjoint(path):
        # HTTP/2 can carry these, and an HTTP/1 origin would read a whole URL or another request line.
        raise InvalidUrl("a request target must be a path, without spaces and control characters")
    urls = (
        b"%s://%s%s" % (asked.scheme, bracketed(host), reading)
        for host in hosts
        for reading in readings(path)
    )
    return _strictest([engine.decide_url(url, Plane.HTTP, profile) for url in urls])


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
    planes = (Plane.TLS, Plane.HTTP)
    return _strictest([engine.decide_host(host, plane, profile) for host in hosts for plane in planes])


def inspects(engine: Decider, hosts: Iterable[bytes], profile: str | None = None) -> bool:
    """Whether what is asked of any of the hosts must be seen, because some of its pages are listed."""
    return any(engine.inspects(host, profile) for host in hosts)


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
