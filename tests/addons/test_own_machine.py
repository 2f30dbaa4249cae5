"""What the kernel says of addresses."""

from ipaddress import ip_address

import pytest

from addons.own_machine import is_own


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "0.0.0.0", "::1"])
def test_loopback_is_this_machine(address: str) -> None:
    assert is_own(ip_address(address))


@pytest.mark.parametrize("address", ["203.0.113.1", "2001:db8:ffff::1"])
def test_an_address_elsewhere_is_not_whether_or_not_there_is_a_route_to_it(address: str) -> None:
    assert not is_own(ip_address(address))
