"""Ports that cannot be bound are an error at the start, which names the key."""

import socket

import pytest

from cop_filter.config import Address, PushConfig
from cop_filter.errors import ConfigError
from cop_filter.push.ports import Ports


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_is_taken_is_named_by_its_key(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        address = Address(*taken.getsockname())
        with pytest.raises(ConfigError, match=r"push\.notify\[0\]: cannot be bound: Address already in use"):
            Ports.bind(PushConfig(notify=(address,)))
        if kind is socket.SOCK_STREAM:
            with pytest.raises(ConfigError, match=r"push\.listen: cannot be bound"):
                Ports.bind(PushConfig(listen=address))


def test_nothing_configured_binds_nothing() -> None:
    assert Ports.bind(PushConfig()) == Ports()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_address_gets_both_transports(host: str) -> None:
    ports = Ports.bind(PushConfig(listen=Address(host, 0), notify=(Address(host, 0),)))
    assert ports.http is not None
    assert [one.type for one in (*ports.notify_udp, *ports.notify_tcp)] == [
        socket.SOCK_DGRAM,
        socket.SOCK_STREAM,
    ]
    ports.close()
    assert ports.http.fileno() == -1
