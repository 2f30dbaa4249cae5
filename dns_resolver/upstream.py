"""One question to one upstream, over UDP and, when the answer is truncated, over TCP.

Every query has a fresh connected socket and a random id: the source port is random (RFC 5452
§4.5), the kernel drops what comes from another peer, and a dead upstream is noticed at once.
"""

import asyncio
import errno
import secrets
import socket
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any

from cop_filter.config import Address
from cop_filter.errors import CopFilterError
from dns_resolver.message import Answer, Asked, write_query
from dns_resolver.response import MalformedError, MismatchError, read_answer

_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class Failure(StrEnum):
    """Why there is no answer; also the label it is counted under."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    NO_ROOM = "no_room"
    """This machine's fault (out of sockets): says nothing about the upstream."""


class UpstreamFailed(CopFilterError):  # noqa: N818 - named like FetchFailed in cop_filter.errors
    """One upstream gave no usable answer to one question."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.value)


async def exchange(address: Address, asked: Asked, *, timeout_s: float, payload_bytes: int) -> Answer:
    """Ask one upstream. Raises UpstreamFailed, after at most `timeout_s` for each transport."""
    answer = await _wrapped(_over_udp(address, asked, timeout_s, payload_bytes), timeout_s)
    if answer.truncated:
        answer = await _wrapped(_over_tcp(address, asked, payload_bytes), timeout_s)
        if answer.truncated:
            raise UpstreamFailed(Failure.MALFORMED)
    return answer


async def _wrapped(answering: Coroutine[Any, Any, Answer], timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            return await answering
    except TimeoutError as error:
        raise UpstreamFailed(Failure.TIMEOUT) from error
    except (MalformedError, MismatchError, asyncio.IncompleteReadError) as error:
        raise UpstreamFailed(Failure.MALFORMED) from error
    except OSError as error:
        failure = Failure.NO_ROOM if error.errno in _NO_ROOM else Failure.UNREACHABLE
        raise UpstreamFailed(failure) from error


async def _over_udp(address: Address, asked: Asked, timeout_s: float, payload_bytes: int) -> Answer:
    """Send, send again at half time (one lost datagram is no failure), take the first true response."""
    loop = asyncio.get_running_loop()
    id_ = secrets.randbelow(0x10000)
    query = write_query(asked, id_, payload_bytes)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((address.host, address.port))
        sock.send(query)
        again = loop.call_later(timeout_s / 2, _send_again, sock, query)
        try:
            while True:
                packet = await loop.sock_recv(sock, 65_535)
                try:
                    return read_answer(packet, asked, id_)
                except MismatchError:
                    continue  # forged, or an answer to an earlier user of this port: keep listening
        finally:
            again.cancel()


def _send_again(sock: socket.socket, query: bytes) -> None:
    try:
        sock.send(query)
    except OSError:
        return  # the waiting read meets the same error and reports it


async def _over_tcp(address: Address, asked: Asked, payload_bytes: int) -> Answer:
    id_ = secrets.randbelow(0x10000)
    query = write_query(asked, id_, payload_bytes)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(len(query).to_bytes(2) + query)
        size = int.from_bytes(await reader.readexactly(2))
        return read_answer(await reader.readexactly(size), asked, id_)
    finally:
        writer.transport.abort()
