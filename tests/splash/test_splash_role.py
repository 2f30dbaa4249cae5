"""The splash server as the role that an operator runs."""

import http.client
import select
import signal
import socket
import subprocess
import sys
import time

import pytest

from cop_filter import compiler, config
from cop_filter.entries import parse
from cop_filter.store import Store

CONFIG = """
state_dir = "{folder}/state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:{folder}/list.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "order"
[splash]
listen = "127.0.0.1:{port}"
addresses = ["192.0.2.80"]
"""


class Role:
    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.path = folder / "cop-filter.toml"
        self.path.write_text(CONFIG.format(folder=folder, port=self.port))
        self.config = config.load(self.path)
        self.output = folder / "output.txt"
        Store(self.config.state_dir).prepare()

    def publish(self, *entries):
        with compiler.draft(Store(self.config.state_dir), self.config) as draft:
            draft.replace("national", [parse(entry) for entry in entries])
            draft.publish()

    def start(self):
        words = [sys.executable, "-m", "cop_filter.cli", "--config", str(self.path), "splash"]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)
        wait_until(self._listens)

    def _listens(self):
        assert self.process.poll() is None, self.output.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, host):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/q7x9", headers={"Host": host})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        assert answer.status == 451
        return body


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        select.select([], [], [], 0.02)


@pytest.fixture
def role(tmp_path):
    role = Role(tmp_path)
    role.publish("bad.test")
    role.start()
    yield role
    role.process.send_signal(signal.SIGTERM)
    assert role.process.wait(30) == 0


def test_it_tells_the_reason_of_the_generation_in_force_and_writes_nothing_down(role):
    assert "required by law" in role.ask("www.bad.test")
    assert "required by law" not in role.ask("fresh.test")
    role.publish("bad.test", "fresh.test")
    wait_until(lambda: "required by law" in role.ask("fresh.test"))
    for file in role.path.parent.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"q7x9" not in content
            assert b"fresh.test" not in content
    assert "127.0.0.1" not in role.output.read_text()
