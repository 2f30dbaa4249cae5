"""The sockets a resolver listens on: UDP and TCP on one port."""

import errno
import socket
from collections.abc import Sequence
from typing import NamedTuple

from cop_filter.config import Address
from cop_filter.errors import ConfigError

_RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Some thousand queries: what comes while the thread has lost its core for ten milliseconds."""
_SO_RCVBUFFORCE = 33  # Linux; the socket module does not name it
_TRIES = 20


class Listening(NamedTuple):
    """One address, bound for both transports. Non-blocking; TCP does not listen yet."""

    udp: socket.socket
    tcp: socket.socket

    @property
    def address(self) -> Address:
        """Where it is bound; tells the port that was picked for port 0."""
        host, port = self.udp.getsockname()[:2]
        return Address(host, port)

    def close(self) -> None:
        """Give up both sockets."""
        self.udp.close()
        self.tcp.close()


def bind(address: Address, *, reuse_port: bool) -> Listening:
    """Bind one address. `reuse_port` lets several workers share it. Raises ConfigError.

    Without workers the port is not shared, so that a second instance fails instead of taking half
    of the queries.
    """
    tries = _TRIES if address.port == 0 else 1
    while True:
        tries -= 1
        udp = None
        try:
            udp = _bound(address, socket.SOCK_DGRAM, reuse_port=reuse_port)
            same_port = Address(address.host, udp.getsockname()[1])
            return Listening(udp, _bound(same_port, socket.SOCK_STREAM, reuse_port=reuse_port))
        except OSError as error:
            if udp is not None:
                udp.close()
            if error.errno != errno.EADDRINUSE or tries == 0:
                where = f"{address.host} port {address.port}"
                raise ConfigError([f"dns.listen: cannot listen on {where}: {error.strerror}"]) from error


def bind_all(addresses: Sequence[Address], workers: int) -> list[list[Listening]]:
    """For each worker a socket pair for each address; all workers share the ports."""
    reuse_port = workers > 1
    first = [bind(address, reuse_port=reuse_port) for address in addresses]
    shared = [listening.address for listening in first]
    return [first] + [[bind(address, reuse_port=True) for address in shared] for _ in range(workers - 1)]


def _bound(address: Address, kind: socket.SocketKind, *, reuse_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if kind is socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            _make_room(sock)
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address.host, address.port))
    except OSError:
        sock.close()
        raise
    return sock


def _make_room(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER_BYTES)
    except PermissionError:  # only root passes by net.core.rmem_max
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
