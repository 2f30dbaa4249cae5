"""Only the operator's own clients are served."""

from ipaddress import ip_network

import pytest

from cop_filter.access import AccessList

ACCESS = AccessList([ip_network("192.0.2.0/25"), ip_network("2001:db8::/48"), ip_network("198.51.100.7/32")])


@pytest.mark.parametrize(
    "client",
    ["192.0.2.0", "192.0.2.127", "198.51.100.7", "2001:db8::1", "2001:db8:0:ffff::", "::ffff:192.0.2.1"],
)
def test_addresses_inside_the_networks_are_permitted(client):
    assert ACCESS.permits(client)


@pytest.mark.parametrize(
    "client",
    [
        "192.0.2.128",
        "198.51.100.6",
        "2001:db8:1::1",
        "::1",
        "::ffff:198.51.100.8",
        "fe80::1%lo",
        "",
        "no address",
    ],
)
def test_everything_else_is_not(client):
    assert not ACCESS.permits(client)


def test_no_networks_permit_nobody():
    assert not AccessList([]).permits("127.0.0.1")


def test_a_network_of_length_zero_permits_its_family_only():
    assert AccessList([ip_network("0.0.0.0/0")]).permits("203.0.113.1")
    assert not AccessList([ip_network("0.0.0.0/0")]).permits("2001:db8::1")
