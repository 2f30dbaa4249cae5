"""`cop-filter serve` as a whole: real roles, one of them killed, and an orderly end."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
    """The roles that run below a supervisor: last word of the command line -> process id."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found[words[-2].decode()] = int(child)
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
