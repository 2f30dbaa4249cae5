"""A real proxy process on loopback, its state folder, and real clients for it."""

import fcntl
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from cop_filter import compiler, config
from cop_filter.entries import parse
from cop_filter.store import Store

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ADDON = ROOT / "addons" / "mitmproxy_addon.py"
PATIENCE_S = 60

CONFIG = """
state_dir = "{state}"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:{state}/list.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
{list_settings}
[proxy]
listen = "127.0.0.1:{port}"
upstream_ca_file = "{upstream_ca}"
{proxy_settings}
"""


class Answer(NamedTuple):
    """What curl got. `status` 0 means no answer; `tunnel` is the status of the CONNECT, 0 without one."""

    status: int
    tunnel: int
    version: str
    headers: str
    body: bytes
    errors: str


class ProxyRig:
    """One proxy: `publish` its list, `start` it as mitmdump or as the role, ask it with `curl`.

    `prelude` is Python that runs in the role's process before it starts.
    """

    def __init__(self, folder: Path, upstream_ca: Path, *, list_settings="", proxy_settings="") -> None:
        self.folder = folder
        self.state = folder / "state"
        self.port = _free_port()
        self.config_path = folder / "cop-filter.toml"
        self.config_path.write_text(
            CONFIG.format(
                state=self.state,
                port=self.port,
                upstream_ca=upstream_ca,
                list_settings=list_settings,
                proxy_settings=proxy_settings,
            )
        )
        self.config = config.load(self.config_path)
        self._upstream_ca = upstream_ca
        self.output = folder / "output.txt"
        self.is_mitmdump = False
        Store(self.state).prepare()

    @property
    def ca(self) -> Path:
        """The authority that the proxy forges certificates with."""
        return self.state / "mitmproxy" / "mitmproxy-ca-cert.pem"

    def publish(self, *entries: str) -> int:
        with compiler.draft(Store(self.state), self.config) as draft:
            draft.replace("national", [parse(entry) for entry in entries])
            return draft.publish({"national": "00" * 32})

    def start_role(self, prelude: str = "") -> None:
        code = (
            f"import sys; sys.path.append({str(HERE)!r}); import loopback_names; {prelude}\n"
            f"import runpy; sys.argv = ['addons', '--config', {str(self.config_path)!r}]\n"
            "runpy.run_module('addons', run_name='__main__')"
        )
        self._start([sys.executable, "-c", code])

    def start_mitmdump(self, *options: str) -> None:
        mitmdump = shutil.which("mitmdump", path=Path(sys.executable).parent) or "mitmdump"
        settings = {
            "cop_filter_config": self.config_path,
            "confdir": self.state / "mitmproxy",
            "ssl_verify_upstream_trusted_ca": self._upstream_ca,
        }
        words = ["--listen-host=127.0.0.1", f"--listen-port={self.port}"]
        words += ["-s", ADDON, "-s", HERE / "loopback_names.py"]
        for name, value in settings.items():
            words += ["--set", f"{name}={value}"]
        self.is_mitmdump = True
        self._start([mitmdump, *words, *options])

    def _start(self, argv: list[object]) -> None:
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [str(word) for word in argv],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the proxy ended: {self.output.read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def curl(self, url: str, *options: object, trust: Path | None = None) -> Answer:
        """Ask for a URL through the proxy, trusting one authority and no other."""
        report = "\n%{http_code} %{http_connect} %{http_version}"
        words = ["curl", "--silent", "--show-error", "--max-time", "30", "--dump-header", "/dev/stderr"]
        words += ["--proxy", f"http://127.0.0.1:{self.port}", "--write-out", report]
        words += ["--cacert", str(trust)] if trust else []
        done = subprocess.run([*words, *map(str, options), url], capture_output=True, timeout=60, check=False)
        body, _, report = done.stdout.rpartition(b"\n")
        status, tunnel, version = report.decode().split()
        return Answer(int(status), int(tunnel), version, done.stderr.decode(), body, done.stderr.decode())

    def connect(self) -> "RawClient":
        return RawClient(self.port)


class RawClient:
    """A client that sends what it is told to, byte for byte."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_in_parts(self, data: bytes, size: int = 1) -> None:
        """Send in small packets, each after the one before has been acknowledged by the peer's system."""
        for start in range(0, len(data), size):
            self.socket.sendall(data[start : start + size])
            wait_until(lambda: _unacknowledged(self.socket) == 0)

    def finish(self) -> None:
        """Say that nothing more will be sent."""
        self.socket.shutdown(socket.SHUT_WR)

    def tunnel(self, target: str) -> int:
        """Ask for a tunnel; the status."""
        self.send(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        status, _ = self.read_answer(body=False)
        return status

    def read_answer(self, *, body: bool = True) -> tuple[int, bytes]:
        """The next answer: status and body; status 0 when the connection ends instead."""
        while b"\r\n\r\n" not in self._rest:
            if not self._receive():
                return 0, self._rest
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        found = re.search(rb"(?i)content-length: (\d+)", head)
        length = int(found[1]) if found and body else 0
        while len(self._rest) < length and self._receive():
            pass
        content, self._rest = self._rest[:length], self._rest[length:]
        return status, content

    def ended(self) -> bool:
        """Whether the proxy closes the connection, or has."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def _receive(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self._rest += data
        return bool(data)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        select.select([], [], [], 0.02)


def _unacknowledged(client: socket.socket) -> int:
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"\0\0\0\0"))[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
