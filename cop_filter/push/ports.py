"""The ports where pushes come in, bound before anything else and before privileges are given up."""

import contextlib
import socket
from dataclasses import dataclass
from typing import Self

from cop_filter.config import Address, PushConfig
from cop_filter.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Ports:
    """Bound sockets; those for TCP listen. Whoever does not serve them closes them."""

    http: socket.socket | None = None
    notify_udp: tuple[socket.socket, ...] = ()
    notify_tcp: tuple[socket.socket, ...] = ()

    @classmethod
    def bind(cls, push: PushConfig) -> Self:
        """Bind what is configured. Raises ConfigError, which names the key."""
        with contextlib.ExitStack() as stack:

            def bound(address: Address, key: str, kind: socket.SocketKind) -> socket.socket:
                one = _bound(address, key, kind)
                stack.callback(one.close)
                return one

            http = None if push.listen is None else bound(push.listen, "push.listen", socket.SOCK_STREAM)
            notify = [(address, f"push.notify[{place}]") for place, address in enumerate(push.notify)]
            ports = cls(
                http,
                tuple(bound(address, key, socket.SOCK_DGRAM) for address, key in notify),
                tuple(bound(address, key, socket.SOCK_STREAM) for address, key in notify),
            )
            stack.pop_all()
        return ports

    def close(self) -> None:
        """Close them all; those that are closed already stay so."""
        for one in (self.http, *self.notify_udp, *self.notify_tcp):
            if one is not None:
                one.close()


def _bound(address: Address, key: str, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    one = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(address)
        if kind is socket.SOCK_STREAM:
            one.listen()
        one.setblocking(False)
    except OSError as error:
        one.close()
        raise ConfigError([f"{key}: cannot be bound: {error.strerror or 'input/output error'}"]) from None
    return one
