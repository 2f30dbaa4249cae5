"""Who may use the proxy, and where it leads nobody."""

from ipaddress import ip_address, ip_network

import pytest

from addons.reach import Reach
from cop_filter.access import AccessList
from cop_filter.errors import InvalidUrl

OWN = {ip_address("198.51.100.1"), ip_address("2001:db8::1")}
PAGE = frozenset({(ip_address("198.51.100.1"), 80), (ip_address("127.0.0.1"), 8081)})
REACH = Reach(
    AccessList([ip_network("198.51.100.0/24"), ip_network("2001:db8::/64")]), PAGE, OWN.__contains__
)
CLIENT = "198.51.100.7"


@pytest.mark.parametrize(
    ("client", "admitted"),
    [
        ("198.51.100.7", True),
        ("::ffff:198.51.100.7", True),
        ("2001:db8::7", True),
        ("203.0.113.7", False),
        ("::ffff:203.0.113.7", False),
        ("2001:db8:1::7", False),
        ("127.0.0.1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_only_the_configured_networks_are_served(client: str, admitted: bool) -> None:
    assert REACH.admits(client) is admitted


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.255.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "[::1]", "::1"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "1\uff127.0.0.1", "127.0.0.1.", "%3127.0.0.1"),
        *("0.0.0.0", "0", "[::]", "169.254.169.254", "[fe80::1]", "198.51.100.1", "[2001:db8::1]"),
    ],
)
def test_loopback_attack_no_spelling_leads_to_this_machine(host: str) -> None:
    assert not REACH.leads(CLIENT, host, 9153)
    assert REACH.leads("127.0.0.1", host, 9153)


@pytest.mark.parametrize("host", ["203.0.113.1", "[2001:db8::2]", "198.51.100.2", "10.0.0.1"])
def test_every_other_address_is_open(host: str) -> None:
    assert REACH.leads(CLIENT, host, 9153)


def test_a_name_is_judged_by_its_addresses() -> None:
    assert REACH.leads(CLIENT, "localhost", 9153)
    assert not REACH.leads_to(CLIENT, "127.0.0.1", 9153)
    assert not REACH.leads_to(CLIENT, "fe80::1%eth0", 80)
    assert REACH.leads_to(CLIENT, "203.0.113.1", 80)


def test_the_page_is_for_everybody_but_never_through_loopback() -> None:
    assert REACH.leads(CLIENT, "198.51.100.1", 80)
    assert not REACH.leads(CLIENT, "198.51.100.1", 443)
    assert not REACH.leads(CLIENT, "127.0.0.1", 8081)


def test_a_host_that_cannot_be_is_no_way_in() -> None:
    with pytest.raises(InvalidUrl):
        REACH.leads(CLIENT, "a" * 64 + ".example", 80)
