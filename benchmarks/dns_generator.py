"""The load generator `dns_load/` from Python: build it, ask with it, and run its echo and upstream."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dns_cores import Cores, busy_s, pinned
from published import free_port

CRATE = Path(__file__).with_name("dns_load")
_BUSY_SHARE = 0.95


class GeneratorError(Exception):
    """The generator could not do its work: a wrong answer in a check, no server, a wrong option."""


def build(profile: str = "release") -> Path:
    """Compile the generator where that is not done; the program. The target folder is cargo's own choice."""
    cargo = ["cargo", "build", "--quiet", "--locked", "--profile", profile, "--manifest-path"]
    subprocess.run([*cargo, str(CRATE / "Cargo.toml")], check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", CRATE / "target"))
    return target / ("debug" if profile == "dev" else profile) / "dns-load"


def latencies(report: dict[str, Any]) -> dict[str, Any]:
    """Those of a report under the names that rows of figures have, in milliseconds."""
    kinds = ("mean", "p50", "p99")
    return {f"latency_{kind}_ms": round(report[f"latency_{kind}_us"] / 1000, 3) for kind in kinds}


class Asking:
    """A generator at work; `report` waits for its end."""

    def __init__(self, command: list[str], core: int) -> None:
        self._core = core
        self._busy_s, self._started = busy_s(core), time.monotonic()
        self._process = subprocess.Popen(
            pinned(command, core), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def stop(self) -> None:
        """Ask no more."""
        self._process.send_signal(signal.SIGINT)

    def report(self) -> dict[str, Any]:
        """The generator's figures, and `load_core_busy_share`: with it near 1 the load was the limit."""
        printed, problem = self._process.communicate()
        if self._process.returncode != 0:
            raise GeneratorError(problem.strip())
        busy = (busy_s(self._core) - self._busy_s) / (time.monotonic() - self._started)
        report: dict[str, Any] = json.loads(printed)
        report["load_core_busy_share"] = round(min(busy, 1.0), 3)
        report["generator_limited"] |= busy >= _BUSY_SHARE
        return report


@dataclass(frozen=True, slots=True)
class Generator:
    """Asks from one core, the other one being the server's."""

    program: Path
    cores: Cores

    def start(self, port: int, questions: Path, **options: object) -> Asking:
        """Begin to ask; options are those of `dns-load ask`, with `_` for `-`, True for one without value."""
        core = options.pop("core", self.cores.load)
        words = [str(self.program), "ask", "--server", f"127.0.0.1:{port}", "--questions", str(questions)]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        assert isinstance(core, int)
        return Asking(words, core)

    def ask(self, port: int, questions: Path, **options: object) -> dict[str, Any]:
        """Ask and wait for the figures."""
        return self.start(port, questions, **options).report()

    def check(
        self, port: int, questions: Path, *, sockets: int = 8, each_socket: bool = False, **options: object
    ) -> None:
        """Every answer is as it must be, and every cache warm afterwards. Raises GeneratorError."""
        options["warm_each_socket" if each_socket else "warm"] = True
        options |= {"mode": "closed", "seconds": 0.01, "sockets": sockets, "strict_check": True}
        self.ask(port, questions, **options)

    @contextlib.contextmanager
    def serving(self, command: str, core: int, **options: object) -> Iterator[int]:
        """The port of an `echo` or `upstream`, ended afterwards."""
        port = free_port()
        words = [str(self.program), command, "--listen", f"127.0.0.1:{port}"]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        process = subprocess.Popen(pinned(words, core))
        try:
            _await_bound(port, process)
            yield port
        finally:
            process.kill()
            process.wait()


def _await_bound(port: int, process: subprocess.Popen[bytes]) -> None:
    # Bound is what a second bind is refused for; an upstream may be slow to answer on purpose.
    while process.poll() is None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.005)
    raise GeneratorError("the generator's server ended")
