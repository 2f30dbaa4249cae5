"""Only the operator's own clients are served."""

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.access import AccessList

ACCESS = AccessList([ip_network("192.0.2.0/25"), ip_network("2001:db8::/48"), ip_network("198.51.100.7/32")])


@pytest.mark.parametrize(
    "client",
    [
        "192.0.2.0",
        "192.0.2.127",
        "198.51.100.7",
        "2001:db8::1",
        "2001:db8:0:ffff::",
        "::ffff:192.0.2.1",
        "2001:DB8::A%eth0",
    ],
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
        "192.0.2.1%lo",
        "192.0.2.1%::",
        "192.0.2.01",
        "192.0.2.1 ",
        " 192.0.2.1",
        "192.0.2",
        "192.0.2.1.",
        "192.0.2.1:53",
        "[2001:db8::1]",
        "2001:db8::1::",
        "::ffff:192.0.2.256",
        "%2001:db8::1",
        "192.0.2.1\0",
        "2001:db8::1\0",
        "\udc80",
        "192.0.2.\u0661",
    ],
)
def test_everything_else_is_not(client):
    assert not ACCESS.permits(client)


def test_no_networks_permit_nobody():
    assert not AccessList([]).permits("127.0.0.1")


def test_a_network_of_length_zero_permits_its_family_only():
    assert AccessList([ip_network("0.0.0.0/0")]).permits("203.0.113.1")
    assert not AccessList([ip_network("0.0.0.0/0")]).permits("2001:db8::1")


def test_a_link_local_client_is_known_without_its_scope():
    access = AccessList([ip_network("fe80::/64")])
    assert access.permits("fe80::1%eth0")
    assert access.permits("fe80::1%")
    assert access.permits("fe80::1")


_ADDRESSES = st.ip_addresses()
_NETWORKS = st.lists(
    st.builds(
        lambda address, host_bits: ip_network(
            (address, max(0, address.max_prefixlen - host_bits)), strict=False
        ),
        _ADDRESSES,
        st.integers(0, 128),
    )
)


@given(_NETWORKS, _ADDRESSES, st.data())
def test_permitted_is_what_one_of_the_networks_contains(networks, anywhere, data):
    inside = [network.network_address for network in networks]
    inside += [network.broadcast_address for network in networks]
    client = data.draw(st.sampled_from([anywhere, *inside, *(a + 1 for a in inside if int(a) < 2**32 - 1)]))
    counted = client.ipv4_mapped or client if isinstance(client, IPv6Address) else client
    expected = any(counted in network for network in networks)
    assert AccessList(networks).permits(str(client)) is expected


@given(st.one_of(st.text(), st.text("012559af:.")).filter(lambda text: "%" not in text))
def test_any_text_has_an_answer(text):
    try:
        expected = ip_address(text) is not None
    except ValueError:
        expected = False
    assert AccessList([ip_network("0.0.0.0/0"), ip_network("::/0")]).permits(text) is expected
