"""Ports, taken and shared."""

import pytest

from cop_filter.config import Address
from dns_resolver import listeners


async def test_a_taken_port_is_a_configuration_error_that_names_the_key():
    pair = listeners.bind(Address("127.0.0.1", 0), reuse_port=False)
    with pytest.raises(listeners.ConfigError, match=r"^dns\.listen: cannot listen"):
        listeners.bind(pair.address, reuse_port=False)
    pair.close()


async def test_workers_share_every_port():
    shares = listeners.bind_all([Address("127.0.0.1", 0), Address("127.0.0.2", 0)], 3)
    assert len(shares) == 3
    assert len({tuple(pair.address for pair in share) for share in shares}) == 1
    for share in shares:
        for pair in share:
            pair.close()
