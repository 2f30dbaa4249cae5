"""Roles that root starts answer on ports that only root can bind, and are an ordinary user by then."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from common_ground import runnable
from generations import a_config, publish
from programs import require
from whole_service import until

from cop_filter.store import Store

ADDRESS = "127.53.80.91"
NOBODY = pwd.getpwnam("nobody")
CONFIG = """
state_dir = "{folder}/state"
user = "nobody"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:{folder}/list.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
[dns]
listen = ["{address}:53"]
upstreams = ["{address}:5353"]
clients = ["127.0.0.0/8"]
workers = {workers}
[splash]
listen = "{address}:80"
addresses = ["192.0.2.80"]
[metrics]
listen = "{address}:91"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can bind these ports and give root up")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may look into, and a Python that he may run."""
    if runnable("nobody", []) is None:
        pytest.skip("the user nobody may not run this Python, and no mount namespace can be made for him")
    for port in (53, 80, 91):
        try:
            socket.create_server((ADDRESS, port)).close()
        except OSError:
            pytest.skip(f"port {port} of {ADDRESS} is not free")
    folder = Path(tempfile.mkdtemp(prefix="cop-filter-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class Started:
    """A command as root, and all processes that come of it."""

    def __init__(self, folder: Path, *words: str, workers: int = 1) -> None:
        (folder / "list.txt").write_text("bad.example\n")
        (folder / "c.toml").write_text(CONFIG.format(folder=folder, address=ADDRESS, workers=workers))
        self.log = folder / "log.txt"
        argv = runnable(
            "nobody", [sys.executable, "-m", "cop_filter.cli", "--config", str(folder / "c.toml"), *words]
        )
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log.read_text()

    def until_blocked(self) -> None:
        try:
            until(lambda: dig("bad.example") == "192.0.2.80")
        except AssertionError:
            raise AssertionError(self.log.read_text()) from None

    def below(self, pid: int | None = None) -> list[int]:
        pid = self.process.pid if pid is None else pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [one for child in children for one in (int(child), *self.below(int(child)))]


def dig(name: str) -> str:
    words = ["dig", "+short", "+tries=1", "+time=1", f"@{ADDRESS}", name]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def has_given_up(pid: int) -> bool:
    lines = (line.split(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    status = {name: value.split() for name, value in lines}
    nothing = [status[f"Cap{kind}"] == ["0000000000000000"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")]
    return (
        all(nothing)
        and status["Uid"] == [str(NOBODY.pw_uid)] * 4
        and status["Gid"] == [str(NOBODY.pw_gid)] * 4
        and status["Groups"] == []
        and status["NoNewPrivs"] == ["1"]
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_resolver_answers_on_port_53_as_an_ordinary_user(folder: Path, workers: int) -> None:
    require("dig", "bind9-dnsutils")
    state = folder / "state"
    Store(state).prepare()
    publish(a_config(state), national=["bad.example"])
    for path in (state, *state.rglob("*")):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    with Started(folder, "dns", workers=workers) as resolver:
        resolver.until_blocked()
        processes = [resolver.process.pid, *resolver.below()]
        assert len(processes) == (1 if workers == 1 else 1 + workers)
        assert all(has_given_up(pid) for pid in processes)


def test_every_role_of_serve_is_an_ordinary_user_and_so_are_its_files(folder: Path) -> None:
    require("dig", "bind9-dnsutils")
    with Started(folder, "serve", workers=2) as service:
        service.until_blocked()
        until(lambda: all(has_given_up(pid) for pid in service.below()))
        for port in (80, 91):
            socket.create_connection((ADDRESS, port), timeout=10).close()
        os.kill(service.below()[0], signal.SIGKILL)  # a role that dies is started again as root, to bind
        until(lambda: len(service.below()) == 6 and all(has_given_up(pid) for pid in service.below()))
        service.until_blocked()
        owners = {path.stat().st_uid for path in (folder / "state", *(folder / "state").rglob("*"))}
        assert owners == {NOBODY.pw_uid}
