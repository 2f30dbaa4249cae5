"""`python -m dns_resolver`: how a role that cannot start ends."""

import socket
import subprocess
import sys
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
answer = "nxdomain"
[dns]
listen = ["{host}:{port}"]
upstreams = ["192.0.2.53"]
clients = ["127.0.0.0/8"]
workers = {workers}
"""


def ended(folder: Path, text: str) -> tuple[int, str]:
    (folder / "c.toml").write_text(text)
    words = [sys.executable, "-P", "-m", "dns_resolver", "--config", str(folder / "c.toml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_is_named_and_ends_with_1(tmp_path: Path, workers: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = ended(tmp_path, CONFIG.format(host="127.0.0.1", port=port, workers=workers))
    assert (code, said) == (
        1,
        f"cop-filter: dns.listen: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )


def test_an_address_of_another_machine_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    code, said = ended(tmp_path, CONFIG.format(host="203.0.113.1", port=5353, workers=1))
    assert code == 2
    assert "  dns.listen: cannot listen on 203.0.113.1 port 5353: " in said


def test_a_wrong_configuration_is_named_and_ends_with_2(tmp_path: Path) -> None:
    code, said = ended(tmp_path, "[operator]\n")
    assert code == 2
    assert "  operator.name: is missing" in said.splitlines()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_state_folder_that_cannot_serve_is_told_and_ends_with_3(tmp_path: Path, workers: int) -> None:
    (tmp_path / "state" / "generations" / "000001").mkdir(parents=True)
    (tmp_path / "state" / "current").write_text("1\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, said = ended(tmp_path, CONFIG.format(host="127.0.0.1", port=port, workers=workers))
    assert code == 3
    assert said.splitlines()[-1].startswith("cop-filter: ")
    assert "Traceback" not in said
