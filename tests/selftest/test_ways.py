"""From where this machine asks its own listeners: only from addresses that the listener serves."""

from ipaddress import ip_network

import pytest

from cop_filter.config import Address
from cop_filter.selftest.ways import Way, way

CLIENTS = [ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("192.0.2.0/24")]


@pytest.mark.parametrize(
    ("listen", "clients", "found"),
    [
        (Address("127.0.0.1", 53), CLIENTS, Way("127.83.84.1", Address("127.0.0.1", 53))),
        (Address("::1", 53), CLIENTS, Way("::1", Address("::1", 53))),
        (Address("0.0.0.0", 53), CLIENTS, Way("127.83.84.1", Address("127.0.0.1", 53))),
        (Address("::", 53), CLIENTS, Way("::1", Address("::1", 53))),
        (
            Address("127.0.0.1", 53),
            [ip_network("127.0.0.1/32")],
            Way("127.0.0.1", Address("127.0.0.1", 53)),
        ),
        # Some of loopback only, as a profile's clients may be.
        (
            Address("127.0.0.1", 53),
            [ip_network("127.77.0.0/16")],
            Way("127.77.0.1", Address("127.0.0.1", 53)),
        ),
        (
            Address("0.0.0.0", 53),
            [ip_network("127.77.0.9/32")],
            Way("127.77.0.9", Address("127.0.0.1", 53)),
        ),
        (Address("192.0.2.53", 53), CLIENTS, Way("192.0.2.53", Address("192.0.2.53", 53))),
    ],
)
def test_it_asks_from_an_address_that_is_a_client(listen: Address, clients: list[object], found: Way) -> None:
    assert way(listen, clients) == found


@pytest.mark.parametrize(
    ("listen", "network"),
    [("127.0.0.1", "192.0.2.0/24"), ("::1", "127.0.0.0/8"), ("0.0.0.0", "203.0.113.0/24"),
     ("198.51.100.53", "203.0.113.0/24")],
)  # fmt: skip
def test_a_machine_that_is_no_client_has_no_way(listen: str, network: str) -> None:
    assert way(Address(listen, 53), [ip_network(network)]) is None
