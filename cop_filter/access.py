"""Which clients are served: a resolver (RFC 5358) or a proxy serves its own network only."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from cop_filter import _native


class AccessList:
    """The configured client networks. Addresses are compared and forgotten, never kept."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = _native.Networks(
            [(network.network_address, network.prefixlen) for network in networks]
        )

    def permits(self, client: str) -> bool:
        """True for an address inside a configured network; an IPv4-mapped IPv6 address counts as IPv4.

        An IPv6 address may name its scope (`fe80::1%eth0`). What is no address is not permitted.
        """
        return self._networks.permits(client)
