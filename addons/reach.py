"""Who may use the proxy, and where it leads nobody: to the machine that it runs on.

A proxy acts from inside: what listens on loopback here, or trusts this machine's addresses, would be open
to every client. Clients on this machine itself are led anywhere, for they are there already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from cop_filter.access import AccessList
from cop_filter.names import canonical_host

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Reach:
    """`clients` may use the proxy. `page` holds the sockets of the page, which is there for everybody.

    `is_own` says whether an address is this machine's. Addresses of clients are compared, never kept.
    """

    clients: AccessList
    page: frozenset[tuple[Address, int]]
    is_own: Callable[[Address], bool]

    def admits(self, client: str) -> bool:
        """Whether a client at this address is served."""
        return self.clients.permits(client)

    def leads(self, client: str, host: bytes | str, port: int) -> bool:
        """Whether a client may be led to a host; a name is judged by its addresses, once it has some.

        Raises InvalidUrl where the host is impossible.
        """
        asked = canonical_host(host)
        return not asked.is_address or self.leads_to(client, asked.name.strip("[]"), port)

    def leads_to(self, client: str, address: str, port: int) -> bool:
        """Whether a client may be led to an address as sockets write it."""
        target = _address(address)
        if _is_here(_address(client)):
            return True
        if target.is_loopback or target.is_link_local or target.is_unspecified:
            return False
        return (target, port) in self.page or not self.is_own(target)


def _is_here(client: Address) -> bool:
    return client.is_loopback


def _address(text: str) -> Address:
    """An address without its zone; an IPv4-mapped one (RFC 4291 §2.5.5.2) is the IPv4 address."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address
