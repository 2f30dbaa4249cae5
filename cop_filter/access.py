"""Which clients are served: a resolver (RFC 5358) or a proxy serves its own network only."""

import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

_MAPPED_PREFIX = b"\0" * 10 + b"\xff\xff"


class AccessList:
    """The configured client networks. Addresses are compared and forgotten, never kept."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._rules: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
        for network in networks:
            rule = (int(network.netmask), int(network.network_address))
            self._rules[network.max_prefixlen // 8].append(rule)

    def permits(self, client: str) -> bool:
        """True for an address inside a configured network; an IPv4-mapped IPv6 address counts as IPv4."""
        try:
            packed = _packed(client)
        except OSError:
            return False
        number = int.from_bytes(packed)
        return any(number & mask == network for mask, network in self._rules[len(packed)])


def _packed(client: str) -> bytes:
    if ":" not in client:
        return socket.inet_pton(socket.AF_INET, client)
    packed = socket.inet_pton(socket.AF_INET6, client.partition("%")[0])
    return packed[12:] if packed.startswith(_MAPPED_PREFIX) else packed
