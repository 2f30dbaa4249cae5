"""`cop-filter serve` as a whole: real roles, one of them killed, and an orderly end."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile_authority
import pytest
from dnslib import RCODE, DNSRecord
from hostile_authority import Exchange, listening

CONFIG = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:national.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
[metrics]
listen = "127.0.0.1:{port}"
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def until(condition: Callable[[], object]) -> None:
    """Wait for what other processes do; it sets no event here."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def children(pid: int) -> dict[str, int]:
    """The roles that run below a supervisor: its module, or the last word of our command -> process id."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        word = words[3] if b"cop_filter.cli" not in words else words[-2]
        found[word.decode()] = int(child)
    return found


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    (tmp_path / "c.toml").write_text(CONFIG.format(port=port))
    (tmp_path / "national.txt").write_text("bad.example\n")
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(tmp_path / "c.toml"), "serve"]
    process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
    yield process, f"http://127.0.0.1:{port}/metrics"
    if process.poll() is None:
        process.terminate()
        process.wait(30)


def scrape(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return str(response.read().decode())
    except OSError:
        return ""


def test_serve_runs_every_role_restarts_one_that_dies_and_ends_them_all(
    serve: tuple[subprocess.Popen[bytes], str],
) -> None:
    process, url = serve
    until(lambda: "cop_filter_generation 1.0\n" in scrape(url))
    before = children(process.pid)
    assert set(before) == {"--watch", "metrics"}

    process.send_signal(signal.SIGHUP)
    os.kill(before["metrics"], signal.SIGKILL)
    until(lambda: scrape(url) and children(process.pid)["metrics"] != before["metrics"])
    until(lambda: 'cop_filter_refreshes_total{list="national",result="unchanged"} 1.0\n' in scrape(url))
    after = children(process.pid)
    assert after["--watch"] == before["--watch"]

    process.terminate()
    assert process.wait(30) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in after.values())


# ---------------------------------------------------------------- the very first start

FIRST_START = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "{authority}/national.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
answer = "nxdomain"
timeout = "{timeout}"
retries = 0
[dns]
listen = ["127.0.0.1:{dns}"]
upstreams = ["127.0.0.1:{upstream}"]
clients = ["127.0.0.0/8"]
[metrics]
listen = "127.0.0.1:{metrics}"
"""


class FirstStart:
    """`serve` on an empty state folder, beside an authority; its log is a file."""

    def __init__(self, folder: Path, authority: str, timeout: str) -> None:
        self.dns, metrics = free_port(), free_port()
        self.metrics = f"http://127.0.0.1:{metrics}/metrics"
        self.log = folder / "log"
        config = folder / "c.toml"
        config.write_text(
            FIRST_START.format(
                authority=authority, timeout=timeout, dns=self.dns, upstream=free_port(), metrics=metrics
            )
        )
        self._argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(config), "serve"]
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._argv, stderr=log)
        return self.process

    def first_answer(self) -> int:
        """The RCODE that the resolver gives to the listed name as soon as it gives any."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", self.dns))
            client.settimeout(0.5)
            answers: list[bytes] = []

            def ask() -> bool:
                with contextlib.suppress(ConnectionRefusedError, TimeoutError):
                    client.send(DNSRecord.question("bad.example").pack())
                    answers.append(client.recv(4096))
                return bool(answers)

            until(ask)
        return int(DNSRecord.parse(answers[0]).header.rcode)

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0


async def test_nothing_enforces_before_the_first_list_is_there(tmp_path: Path) -> None:
    answer = asyncio.Event()

    async def late(exchange: Exchange) -> None:
        await answer.wait()
        await hostile_authority.serve(b"bad.example\n")(exchange)

    async with listening() as authority:
        authority.default = late
        serve = FirstStart(tmp_path, authority.url, timeout="50s")
        try:
            await authority.asked(1)
            await asyncio.to_thread(until, lambda: "cop_filter_generation 0.0\n" in scrape(serve.metrics))
            assert set(children(serve.process.pid)) == {"--watch", "metrics"}
            answer.set()
            assert await asyncio.to_thread(serve.first_answer) == RCODE.NXDOMAIN
        finally:
            await asyncio.to_thread(serve.stop)
        assert "dns and proxy wait for the lists" in serve.log.read_text()
        warnings = [line for line in serve.log.read_text().splitlines() if "WARNING" in line]
        assert [line for line in warnings if "running as root" not in line] == []
        assert len(warnings) == (1 if os.geteuid() == 0 else 0)  # one for all roles

        # From then on nothing is waited for, whatever the authority does.
        answer.clear()
        serve.start()
        try:
            assert await asyncio.to_thread(serve.first_answer) == RCODE.NXDOMAIN
        finally:
            await asyncio.to_thread(serve.stop)
        assert serve.log.read_text().count("dns and proxy wait for the lists") == 1


async def test_an_authority_that_hangs_does_not_keep_the_network_from_its_names(tmp_path: Path) -> None:
    async def hang(exchange: Exchange) -> None:
        await exchange.client_leaves()

    async with listening() as authority:
        authority.default = hang
        serve = FirstStart(tmp_path, authority.url, timeout="500ms")
        try:
            assert await asyncio.to_thread(serve.first_answer) == RCODE.SERVFAIL  # there is no upstream
        finally:
            await asyncio.to_thread(serve.stop)
    assert "no list could be published: until one is, dns and proxy let everything pass" in (
        serve.log.read_text()
    )


def test_serve_does_not_start_in_a_state_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG.format(port=free_port()))
    (tmp_path / "state").write_text("a file")
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(tmp_path / "c.toml"), "serve"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("cop-filter: state_dir cannot be prepared: ")
