"""Asks the live proxy for a page, or for a tunnel, and reads from the status whether it was blocked."""

import asyncio

from cop_filter.canaries import Question
from cop_filter.selftest.dns_question import TIMEOUT_S, Said
from cop_filter.selftest.ways import Way
from cop_filter.verdict import Plane

_UNAVAILABLE = 451
"""RFC 7725; of a name below .invalid no origin can have said it."""
_FORBIDDEN = 403
"""The proxy says so to whoever was told too much already (`oracle`)."""
_MAX_LINE_BYTES = 8192


async def ask(way: Way, plane: Plane, asked: Question) -> Said:
    """Ask once: on http with a whole URL as the request target (RFC 9112 §3.2.2), on tls with CONNECT."""
    if plane is Plane.HTTP:
        host, line = asked.host, f"GET {asked.url or f'http://{asked.host}/'} HTTP/1.1"
    else:
        host = f"{asked.host}:443"
        line = f"CONNECT {host} HTTP/1.1"
    request = f"{line}\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status = await _status(way, request.encode())
    except (OSError, ValueError, TimeoutError):
        return Said.NOTHING
    return {_UNAVAILABLE: Said.BLOCKED, _FORBIDDEN: Said.NOTHING}.get(status, Said.PASSED)


async def _status(way: Way, request: bytes) -> int:
    where, port = way.target
    reader, writer = await asyncio.open_connection(
        where, port, local_addr=(way.source, 0), limit=_MAX_LINE_BYTES
    )
    try:
        writer.write(request)
        await writer.drain()
        version, code, *_ = (await reader.readline()).split(None, 2)
        if not version.startswith(b"HTTP/1."):
            raise ValueError
        return int(code)
    finally:
        writer.close()
