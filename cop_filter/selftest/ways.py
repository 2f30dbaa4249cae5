"""How this machine asks its own listeners as a client would: from where, and at which address.

Only addresses of this machine that the access list permits can ask; the kernel is asked which there are.
"""

import contextlib
import socket
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple

from cop_filter.config import Address

Network = IPv4Network | IPv6Network
_LOOPBACK: dict[int, Network] = {4: IPv4Network("127.0.0.0/8"), 6: IPv6Network("::1/128")}
_HERE = {4: "127.0.0.1", 6: "::1"}
_OWN_SOURCE = IPv4Address("127.83.84.1")
"""In a network of its own: what other programs here ask must not spend what the self-test may be told."""
_DISCARD_PORT = 9


class Way(NamedTuple):
    """From which address of this machine to ask, and at which socket."""

    source: str
    target: Address


def way(listen: Address, clients: Sequence[Network]) -> Way | None:
    """A way to a listener from an address inside `clients`; None when this machine has none."""
    listening = ip_address(listen.host)
    own = [network for network in clients if network.version == listening.version]
    if listening.is_unspecified:
        # Where everything is listened to, the address that asks is also one to be asked at.
        for source in (*_on_loopback(own), *_own_addresses(own)):
            target = _HERE[source.version] if source.is_loopback else str(source)
            return Way(str(source), Address(target, listen.port))
        return None
    if listening.is_loopback:
        candidates: Iterable[IPv4Address | IPv6Address] = _on_loopback(own)
    else:
        candidates = (*([listening] if _permits(own, listening) else []), *_own_addresses(own))
    return next((Way(str(source), listen) for source in candidates), None)


def _permits(networks: Sequence[Network], address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in networks)


def _on_loopback(networks: Sequence[Network]) -> Iterator[IPv4Address | IPv6Address]:
    """An address of the loopback network in each of the networks that has one; all of them are ours."""
    for network in networks:
        loopback = _LOOPBACK[network.version]
        here = ip_address(_HERE[network.version])
        if _OWN_SOURCE in network:
            yield _OWN_SOURCE
        elif here in network:
            yield here
        elif loopback.version == 4 and network.network_address in loopback:
            yield network.network_address if network.num_addresses <= 2 else network[1]


def _own_addresses(networks: Sequence[Network]) -> Iterator[IPv4Address | IPv6Address]:
    """Where the kernel would send from to each of the networks, if that address is itself in one of them.

    Connecting a datagram socket chooses the address and sends nothing.
    """
    for network in networks:
        family = socket.AF_INET if network.version == 4 else socket.AF_INET6
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(network.network_address + (network.num_addresses > 1)), _DISCARD_PORT))
            address = ip_address(sock.getsockname()[0].partition("%")[0])
            if not address.is_loopback and _permits(networks, address):
                yield address
