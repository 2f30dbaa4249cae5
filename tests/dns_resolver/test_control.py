"""The control socket: two commands, for the resolver's own user, and nothing else."""

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path

import pytest

from cop_filter.errors import ConfigError
from dns_resolver import control


class Cached:
    generation = 7

    def __init__(self, answers: int = 3) -> None:
        self.cached_answers = answers

    def flush(self) -> None:
        self.cached_answers = 0


@contextlib.asynccontextmanager
async def served(path: Path, cached: Cached | None = None):
    task = asyncio.create_task(control.serve(control.bind(path), cached or Cached()))
    while not task.done():
        try:
            _, writer = await asyncio.open_unix_connection(path)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0)  # bound, and not yet listening
    writer.close()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def say(path: Path, said: bytes) -> list[str]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(said)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer.decode().splitlines()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dns.sock"


async def test_status_tells_generation_cached_answers_and_process(path: Path) -> None:
    async with served(path):
        (line,) = await say(path, b"status\n")
    assert json.loads(line) == {"generation": 7, "cached_answers": 3, "pid": os.getpid()}


async def test_flush_forgets_every_cached_answer(path: Path) -> None:
    cached = Cached()
    async with served(path, cached):
        lines = await say(path, b"flush\r\nstatus\n")
    assert json.loads(lines[0]) == {"flushed": 3}
    assert json.loads(lines[1])["cached_answers"] == 0
    assert cached.cached_answers == 0


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"dump secret.example\n", "error: unknown command; choose from: status, flush"),
        (b"\n", "error: unknown command; choose from: status, flush"),
        (b"\xff\x00\n", "error: unknown command; choose from: status, flush"),
        (b"status", "error: the line does not end"),
        (b"x" * 65, "error: a line has at most 64 bytes"),
        (b"x" * 100_000 + b"\n", "error: a line has at most 64 bytes"),
    ],
)
async def test_bad_input_gets_one_line_that_does_not_repeat_it(path: Path, said: bytes, answer: str) -> None:
    async with served(path):
        assert await say(path, said) == [answer]
        assert len(await say(path, b"status\n")) == 1


async def test_nothing_said_gets_nothing(path: Path) -> None:
    async with served(path):
        assert await say(path, b"") == []


async def test_connections_are_bounded(path: Path) -> None:
    async with served(path), contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            reader, writer = await asyncio.open_unix_connection(path)
            stack.callback(writer.close)
            writer.write(b"status\n")
            assert await reader.readline()
        assert await say(path, b"status\n") == ["error: too many connections"]
        writer.write_eof()
        assert await reader.read() == b""  # it is let go
        assert len(await say(path, b"status\n")) == 1


def test_the_socket_is_of_its_user_alone_from_the_beginning(path: Path) -> None:
    umask = os.umask(0)
    try:
        control.bind(path).close()
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_socket_goes_with_the_resolver(path: Path) -> None:
    async with served(path):
        assert os.listdir(path.parent) == [path.name]  # noqa: PTH208
    assert os.listdir(path.parent) == []  # noqa: PTH208


async def test_a_socket_that_a_dead_process_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    async with served(path):
        assert len(await say(path, b"status\n")) == 1


async def test_a_socket_of_a_living_process_is_left_alone(path: Path) -> None:
    async with served(path):
        with pytest.raises(ConfigError, match=r"^dns\.control: another process listens there"):
            control.bind(path)
        assert len(await say(path, b"status\n")) == 1


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("/dev/null")])
def test_a_foreign_file_is_never_replaced(path: Path, make) -> None:
    make(path)
    with pytest.raises(ConfigError, match=r"^dns\.control: a file that is no socket is there"):
        control.bind(path)
    assert os.path.lexists(path)


@pytest.mark.parametrize("name", ["missing/dns.sock", "x" * 120])
def test_a_place_that_cannot_be_listened_at_is_a_mistake_in_the_configuration(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match=r"^dns\.control: cannot listen there: "):
        control.bind(tmp_path / name)


def test_each_of_several_workers_has_a_socket(path: Path) -> None:
    assert control.path_of(path, 0, 1) == path
    assert [control.path_of(path, worker, 2).name for worker in range(2)] == ["dns.sock.0", "dns.sock.1"]
