"""The splash server over real sockets."""

import asyncio
import contextlib
import logging
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import web
from generations import a_config, publish
from prometheus_client import CollectorRegistry
from verdicts import ALLOW, BLOCK, OPERATOR

import cop_filter
from cop_filter.config import Config, OracleConfig, ProfileConfig
from cop_filter.errors import InvalidUrl
from cop_filter.events import Events
from cop_filter.splash import server

LISTED = "bad.example"
CHOSEN = "chosen.example"
"""Listed for the clients of a profile only."""


class FakeEngine:
    generation = 7
    error: Exception | None = None

    def decide_host(self, name, plane="dns", profile=None):
        if self.error:
            raise self.error
        if " " in name:
            raise InvalidUrl("not a host")
        host = name.partition(":")[0]
        return BLOCK if host == LISTED or (host == CHOSEN and profile == "schools") else ALLOW

    def explain(self, query):
        return self.decide_host(query.host, query.plane, query.profile)


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
async def port(engine):
    config = Config(state_dir=Path("unused"), operator=OPERATOR, lists=())
    runner = web.ServerRunner(server.create_server(config, engine, Events()), handle_signals=False)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send raw bytes; the head and the body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    body = b"" if request.startswith(b"HEAD") else await asyncio.wait_for(reader.readexactly(length), 10)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return head, body


def request(method="GET", path="/", host=LISTED, extra=""):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/a/b?c=d", "/../..", "/%00", "/index.php"])
async def test_every_method_and_path_gets_the_page(port, method, path):
    head, body = await ask(port, request(method, path))
    assert head.startswith(b"HTTP/1.1 451 ")
    assert b"Example Hotline" in body


async def test_head_gets_the_head_of_the_page(port):
    head, _ = await ask(port, request("HEAD"))
    _, body = await ask(port, request())
    assert head.startswith(b"HTTP/1.1 451 ")
    assert f"Content-Length: {len(body)}".encode() in head


@pytest.mark.parametrize("host", ["192.0.2.80", "good.example", "", "a b", "[::1"])
async def test_a_host_that_is_not_listed_gets_the_page_without_a_reason(port, host):
    head, body = await ask(port, request(host=host))
    assert head.startswith(b"HTTP/1.1 451 ")
    assert b"Example Hotline" not in body
    assert b"hotline.example" in body


async def test_the_page_never_holds_what_was_asked_for(port):
    _, body = await ask(
        port, request(path="/q7x9?z=q7x9", host=f"{LISTED}:8080", extra="Referer: http://q7x9.example/\r\n")
    )
    assert b"q7x9" not in body
    assert LISTED.encode() not in body


async def test_the_page_speaks_the_readers_language(port):
    head, body = await ask(port, request(extra="Accept-Language: fr-CH, en;q=0.5\r\n"))
    assert b"Content-Language: fr\r\n" in head
    assert "Cette page est bloquée".encode() in body


async def test_health_is_told_to_monitors_and_not_to_readers(port):
    head, body = await ask(port, request(path="/healthz", host="127.0.0.1"))
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"ok\ngeneration 7\n"
    head, _ = await ask(port, request(path="/healthz"))
    assert head.startswith(b"HTTP/1.1 451 ")


async def test_an_upload_is_answered_before_it_is_sent(port):
    head, body = await ask(port, request("POST", extra=f"Content-Length: {10**12}\r\n"))
    assert head.startswith(b"HTTP/1.1 451 ")
    assert b"Connection: close" in head
    assert b"Example Hotline" in body


async def test_a_long_address_still_meets_the_page(port):
    head, _ = await ask(port, request(path="/" + "a" * 60_000))
    assert head.startswith(b"HTTP/1.1 451 ")


async def test_endless_headers_are_not_read(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(100):
            writer.write(b"a" * 65536)
            await writer.drain()
    with contextlib.suppress(ConnectionError):
        assert b" 451 " not in await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _ = await ask(port, request())
    assert head.startswith(b"HTTP/1.1 451 ")


async def test_a_failing_engine_still_shows_the_page(port, engine):
    engine.error = RuntimeError("a bug")
    head, body = await ask(port, request())
    assert head.startswith(b"HTTP/1.1 451 ")
    assert b"hotline.example" in body


async def test_nothing_is_logged_about_a_request_not_even_a_broken_one(port, engine, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(False)
    await ask(port, request(path="/q7x9"))
    engine.error = RuntimeError("q7x9")
    await ask(port, request(path="/q7x9"))
    await ask(port, b"q7x9 \x00\r\n\r\n")
    assert "q7x9" not in caplog.text
    assert "127.0.0.1" not in caplog.text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "broken",
    [
        b"GET /q7x9 HTTP/1.1\r\nHost: q7x9.example\r\nq7x9 q7x9: x\r\n\r\n",
        b"GET http://q7x9.example:99999/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /q7x9 HTTP/1.1\r\nContent-Length: q7x9\r\n\r\n",
        b"GET /q7x9" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"Q7X9 q7x9\r\n\r\n",
        b"GET /q7x9 HTTP/9.9\r\n\r\n",
    ],
)
async def test_a_broken_request_is_not_quoted_to_whoever_sent_it(port, broken):
    asyncio.get_running_loop().set_debug(True)  # aiohttp then shows tracebacks
    head, body = await ask(port, broken)
    assert b" 400 " in head
    assert body == b"400 Bad Request\n"
    assert b"q7x9" not in head.lower()


async def test_the_oldest_of_too_many_connections_make_room(engine):
    config = Config(state_dir=Path("unused"), operator=OPERATOR, lists=())
    serving = server.create_server(config, engine, Events())
    runner = web.ServerRunner(serving, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    for reader, writer in idle:
        writer.write(request())
        await reader.readuntil(b"</html>")
    serving.shed(3)
    assert not [rest for reader, _ in idle[:5] if (rest := (await reader.read()).strip())]
    head, _ = await ask(port, request())
    assert head.startswith(b"HTTP/1.1 451 ")
    for _, writer in idle:
        writer.close()
    await runner.cleanup()


@pytest.mark.parametrize(("network", "told"), [("127.0.0.0/8", True), ("198.51.100.0/24", False)])
async def test_a_reader_is_told_the_reason_that_holds_for_its_profile(engine, network, told):
    profiles = (ProfileConfig("schools", (ip_network(network),), ("games",)),)
    config = Config(state_dir=Path("unused"), operator=OPERATOR, lists=(), profiles=profiles)
    runner = web.ServerRunner(server.create_server(config, engine, Events()), handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, body = await ask(runner.addresses[0][1], request(host=CHOSEN))
    assert (b"Example Hotline" in body) is told
    await runner.cleanup()


class TestOracle:
    """Anybody may name any Host: past the budget of a reader's network the page gives no reason to anyone."""

    BUDGET = 5

    @pytest.fixture
    async def port(self, tmp_path):
        config = a_config(tmp_path, oracle=OracleConfig(self.BUDGET, 1e9))
        publish(config, national=[f"bad{number}.example" for number in range(50)])
        self.registry = CollectorRegistry()
        serving = server.create_server(config, cop_filter.open(tmp_path), Events(self.registry))
        runner = web.ServerRunner(serving, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
        await runner.cleanup()

    @pytest.mark.parametrize("path", ["/", "/healthz"])
    async def test_whoever_asks_host_after_host_learns_at_most_the_budget(self, port, path):
        learned = set()
        for number in range(50):
            # The control first: a reason that ends with a listed host's own request would teach too.
            _, control = await ask(port, request(host=f"no{number}.example", path=path))
            _, body = await ask(port, request(host=f"bad{number}.example", path=path))
            if body != control:
                learned.add(number)
        assert len(learned) == self.BUDGET

    async def test_past_the_budget_the_page_is_that_of_any_host(self, port):
        for number in range(self.BUDGET):
            _, body = await ask(port, request(host=f"www.bad{number}.example"))
            assert b"Example Hotline" in body
        heads, bodies = zip(
            *[
                await ask(port, request(host=host))
                for host in ("bad0.example", "bad9.example", "good.example")
            ],
            strict=True,
        )
        assert len(set(bodies)) == 1
        assert all(head.startswith(b"HTTP/1.1 451 ") for head in heads)
        assert b"Example Hotline" not in bodies[0]
        counted = self.registry.get_sample_value
        assert counted("cop_filter_http_events_total", {"event": "oracle_budget_spent"}) == 1
        assert counted("cop_filter_http_events_total", {"event": "oracle_refused"}) == 3

    async def test_readers_below_the_budget_are_told_the_reason_as_ever(self, port):
        for _ in range(10):
            for number in range(self.BUDGET - 1):
                _, body = await ask(port, request(host=f"bad{number}.example"))
                assert b"Example Hotline" in body
