"""`cop-filter serve` with every role, on loopback, and a client with an address of its own."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

from dnslib import QTYPE, RR, A, DNSError, DNSRecord

from cop_filter.store import Store

CLIENT = "127.77.66.55"
SPLASH = "192.0.2.80"
REAL = "192.0.2.1"
PATIENCE_S = 120  # more than serve itself waits for the first lists
ROLES = frozenset({"dns_resolver", "addons", "splash", "metrics", "sync", "selftest"})

CONFIG = """
state_dir = "{state}"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
{lists}
[dns]
listen = ["127.0.0.1:{dns}"]
upstreams = ["127.0.0.1:{upstream}"]
clients = ["127.0.0.0/8"]
workers = {workers}
upstream_timeout = "500ms"
[splash]
listen = "127.0.0.1:{splash}"
addresses = ["{address}"]
"""
LIST = """
[[lists]]
id = "{id}"
source = "{source}"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
interval = "{interval}"
retries = 0
{more}
"""
PROXY = """
[proxy]
listen = "127.0.0.1:{proxy}"
"""
METRICS = """
[metrics]
listen = "127.0.0.1:{metrics}"
"""


class Ran(NamedTuple):
    """How a command ended, and all that it said."""

    code: int
    said: str


def run(*words: str, given: bytes = b"") -> Ran:
    """One `cop-filter` command, with `given` on its standard input."""
    argv = [sys.executable, "-m", "cop_filter.cli", *words]
    ran = subprocess.run(argv, input=given, capture_output=True, timeout=PATIENCE_S, check=False)
    return Ran(ran.returncode, (ran.stdout + ran.stderr).decode())


class Upstream:
    """Answers every name with one real address; `silent` makes it swallow every question."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self.silent = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while packet := (received := self._sock.recvfrom(4096))[0]:
            if self.silent:
                continue
            try:
                query = DNSRecord.parse(packet)
            except DNSError:
                continue  # a name that dnslib cannot read
            reply = query.reply()
            if query.q.qtype == QTYPE.A:
                reply.add_answer(RR(query.q.qname, QTYPE.A, ttl=0, rdata=A(REAL)))
            self._sock.sendto(bytes(reply.pack()), received[1])
        self._sock.close()

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)


class WholeService:
    """`publish` writes what the authority serves as a file; sync looks at it every second."""

    def __init__(
        self,
        folder: Path,
        *,
        state: Path | None = None,
        proxy: bool = False,
        workers: int = 1,
        extra_lists: str = "",
        interval: str = "1s",
        source: str | None = None,
        more: str = "",
        tables: str = "",
        metrics: bool = False,
    ) -> None:
        """`more`: further keys of the list. `tables`: further tables of the configuration."""
        self.folder = folder
        self.state = state or folder / "state"
        self.store = Store(self.state)
        self.source = folder / "list.txt"
        self.log = folder / "log.txt"
        self.upstream = Upstream()
        self.ports = {name: free_port() for name in ("dns", "splash", "proxy", "metrics")}
        source = f"file:{self.source}" if source is None else source
        self.list = {"id": "national", "source": source, "interval": interval, "more": more}
        text = CONFIG.format(
            state=self.state,
            lists=LIST.format(**self.list) + extra_lists,
            upstream=self.upstream.port,
            workers=workers,
            address=SPLASH,
            **self.ports,
        )
        if proxy:
            text += PROXY.format(**self.ports)
        if proxy or metrics:
            text += METRICS.format(**self.ports)
        text += tables
        self.config_path = folder / "cop-filter.toml"
        self.config_path.write_text(text)

    def publish(self, *entries: str) -> None:
        aside = self.source.with_suffix(".new")
        aside.write_text("".join(f"{entry}\n" for entry in entries))
        aside.replace(self.source)

    def run(self, *words: str, given: bytes = b"") -> Ran:
        """One command of the operator, with this configuration."""
        return run("--config", str(self.config_path), *words, given=given)

    def status(self) -> dict[str, Any]:
        """What `cop-filter status` knows."""
        return dict(json.loads(self.run("status", "--json").said))

    def health(self) -> tuple[int, dict[str, Any]]:
        """The answer of /health: its status and what it says."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ports['metrics']}/health", timeout=10) as answer:
                return answer.status, json.load(answer)
        except HTTPError as answer:
            return answer.code, json.load(answer)

    def alarms(self) -> set[str]:
        """The names of the alarms that last, and what each is about."""
        return {f"{one['name']} {one['subject']}".strip() for one in self.status()["alarms"]}

    def start(self, *words: str, environment: Mapping[str, str] | None = None) -> None:
        argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(self.config_path)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*argv, *(words or ("serve",))],
                env={**os.environ, **(environment or {})},
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
        self.upstream.stop()

    def until_blocked(self, name: str) -> None:
        """Wait until a listed name is; what the service said meanwhile is shown if it never is."""
        try:
            until(lambda: self.blocks(name))
        except AssertionError:
            said = self.log.read_text(errors="replace")[-4000:]
            raise AssertionError(f"never blocked; roles {self.roles()}; the log ends:\n{said}") from None

    def roles(self) -> dict[str, int]:
        """Its distinguishing word on the command line -> process id, for each child."""
        found = {}
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            words = [word.removeprefix("--") for word in line.decode().split("\0")]
            # Between fork and exec a child has its parent's command line, and when it has died none.
            found |= {word: int(child) for word in ROLES.intersection(words)}
        return found

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End a role and wait until it runs again."""
        before = self.roles()[name]
        os.kill(before, number)
        until(lambda: self.roles().get(name, before) != before)

    def ask(self, name: str, *, tcp: bool = False, timeout_s: float = 1.0) -> str | None:
        """The first address of an answer, "" without one, None when nobody answers."""
        return ask(self.ports["dns"], name, tcp=tcp, timeout_s=timeout_s)

    def blocks(self, name: str) -> bool:
        return self.ask(name) == SPLASH


def ask(port: int, name: str, *, tcp: bool = False, timeout_s: float = 1.0) -> str | None:
    packet = bytes(DNSRecord.question(name).pack())
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.settimeout(timeout_s)
        sock.bind((CLIENT, 0))
        try:
            sock.connect(("127.0.0.1", port))
            if tcp:
                sock.sendall(len(packet).to_bytes(2) + packet)
                answer = sock.recv(65535)[2:]
            else:
                sock.send(packet)
                answer = sock.recv(4096)
        except OSError:
            return None
    records = DNSRecord.parse(answer).rr if answer else []
    return str(records[0].rdata) if records else ""


def until(condition: Callable[[], object]) -> None:
    """Wait for what other processes do; it sets no event here."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        select.select([], [], [], 0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
