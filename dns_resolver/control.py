"""The resolver's control socket (AF_UNIX, mode 0600, off unless it is configured): a line each way.

    status      {"generation": 7, "cached_answers": 1234, "pid": 4321}
    flush       {"flushed": 1234}

Anything else is answered by one line that starts with `error:` and never repeats what came. No name and
no address goes through it. Each worker has a socket of its own; none has to ask its sisters.
"""

import asyncio
import contextlib
import json
import os
import socket
import stat
from pathlib import Path
from typing import Protocol

from cop_filter.errors import ConfigError

_MAX_LINE_BYTES = 64
_MAX_CONNECTIONS = 8
_IDLE_S = 10.0
_PATIENCE_S = 1.0


class Controlled(Protocol):
    """What is asked and told through the socket."""

    @property
    def generation(self) -> int: ...

    @property
    def cached_answers(self) -> int: ...

    def flush(self) -> None:
        """Forget every cached answer."""


def path_of(path: Path, worker: int, workers: int) -> Path:
    """Where the worker of this number listens: at `path`, or with several at `path.0`, `path.1`, ..."""
    return path if workers == 1 else path.with_name(f"{path.name}.{worker}")


def bind(path: Path) -> socket.socket:
    """The bound socket; one that a dead process left is replaced. Raises ConfigError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        # Linux makes the file with the mode of the socket, so that it is never open to others.
        os.fchmod(sock.fileno(), 0o600)
        sock.bind(str(path))
        sock.setblocking(False)
    except ConfigError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise ConfigError([f"dns.control: cannot listen there: {error.strerror or error}"]) from None
    return sock


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigError(["dns.control: a file that is no socket is there; move it away, or name another"])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConfigError(["dns.control: another process listens there; stop it, or name another"])


async def serve(sock: socket.socket, controlled: Controlled) -> None:
    """Answer on a socket from `bind` until cancelled, then remove its file."""
    path = sock.getsockname()
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            if connections > _MAX_CONNECTIONS:
                writer.write(_error("too many connections"))
            else:
                await _converse(reader, writer, controlled)
            writer.write_eof()
            async with asyncio.timeout(_PATIENCE_S):
                # Closing upon unread bytes resets the connection, and the last line would be lost.
                while await reader.read(_MAX_LINE_BYTES):
                    pass
        except (OSError, TimeoutError):
            pass  # who asked has gone, or does not read
        finally:
            connections -= 1
            writer.transport.abort()

    server = await asyncio.start_unix_server(answer, sock=sock, limit=_MAX_LINE_BYTES)
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        server.close()
        with contextlib.suppress(OSError):
            os.unlink(path)  # noqa: PTH108 - at once: nothing else is served any more


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, controlled: Controlled
) -> None:
    while True:
        try:
            async with asyncio.timeout(_IDLE_S):
                line = await reader.readuntil()
                writer.write(_obey(line, controlled))
                await writer.drain()
        except asyncio.LimitOverrunError:
            writer.write(_error(f"a line has at most {_MAX_LINE_BYTES} bytes"))
            return
        except asyncio.IncompleteReadError as ended:
            if ended.partial:
                writer.write(_error("the line does not end"))
            return


def _obey(line: bytes, controlled: Controlled) -> bytes:
    match line.strip():
        case b"status":
            return _line(
                generation=controlled.generation, cached_answers=controlled.cached_answers, pid=os.getpid()
            )
        case b"flush":
            flushed = controlled.cached_answers
            controlled.flush()
            return _line(flushed=flushed)
        case _:
            return _error("unknown command; choose from: status, flush")


def _line(**values: int) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _error(reason: str) -> bytes:
    return f"error: {reason}\n".encode()
