"""`cop-filter sync --watch` as a process that is measured, and an enforcer that watches what it publishes."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from lists_authority import LIST_ID
from published import free_port

import cop_filter.config
from cop_filter.engine import Engine
from cop_filter.loader import POLL_S, Watcher
from cop_filter.store import Store
from cop_filter.verdict import Action

_TOKEN = "a token of the benchmark alone"
_PATIENCE_S = 300.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

_CONFIG = """
state_dir = "{folder}/state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "{list_id}"
source = "signed+http://127.0.0.1:{source_port}/{list_id}"
keys = ["{key}"]
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
max_churn = 10.0
[push]
listen = "127.0.0.1:{push_port}"
token_file = "{folder}/push.token"
"""
"""Every guard as it is by default, but for one: what would be the changes of days comes within minutes."""


class Sync:
    """The process and its state folder."""

    def __init__(self, process: subprocess.Popen[str], config: Path, push_port: int) -> None:
        self._process, self._push_port = process, push_port
        self.store = Store(cop_filter.config.load(config).state_dir)

    def check(self) -> None:
        """Raise RuntimeError when it has ended."""
        if self._process.poll() is not None:
            raise RuntimeError(f"sync ended with {self._process.returncode}")

    def push(self) -> None:
        """Say that the list has changed, as its authority would."""
        connection = http.client.HTTPConnection("127.0.0.1", self._push_port, timeout=10)
        connection.request("POST", f"/lists/{LIST_ID}", headers={"Authorization": f"Bearer {_TOKEN}"})
        status = connection.getresponse().status
        connection.close()
        if status != 202:
            raise RuntimeError(f"the push was answered with {status}")

    def refreshed(self) -> dict[str, Any]:
        """What is told of the refresh that ended next. Raises RuntimeError unless that published."""
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        if told["result"] != "published":
            raise RuntimeError(f"the refresh was {told['result']}: {told['error']}")
        return told

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = (
            Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def forget_peak(self) -> None:
        """Have the peak of its memory count from now on; without root's rights it counts from the start."""
        with suppress(PermissionError):
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_rss_mb(self) -> float:
        """VmHWM."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(round(int(line.split()[1]) / 1000, 1) for line in lines if line.startswith("VmHWM"))


@contextmanager
def syncing(folder: Path, key: str, source_port: int, errors: IO[str]) -> Iterator[Sync]:
    """The process from its start on; the list at the source is fetched at once."""
    token = folder / "push.token"
    token.write_text(_TOKEN, encoding="ascii")
    token.chmod(0o600)
    config, push_port = folder / "cop-filter.toml", free_port()
    config.write_text(
        _CONFIG.format(folder=folder, list_id=LIST_ID, source_port=source_port, key=key, push_port=push_port),
        encoding="utf-8",
    )
    script = str(Path(__file__).with_name("lists_phases.py"))
    # -P: the benchmarks' own dns.py must not hide the package of that name.
    command = [sys.executable, "-P", script, "--config", str(config), "sync", "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
        try:
            yield Sync(process, config, push_port)
        finally:
            process.terminate()


class Enforcer:
    """An engine that follows the state folder as every role does."""

    def __init__(self, sync: Sync) -> None:
        self.engine = Engine()
        self._sync = sync
        self._watcher = Watcher(sync.store, self.engine)

    def blocks(self, host: str) -> bool:
        """Whether it is enforced now."""
        return self.engine.decide_host(host).action is Action.BLOCK

    def await_change(self, new: str, gone: str | None) -> float:
        """When (monotonic) `new` is blocked, and `gone` no longer. Raises TimeoutError, RuntimeError."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            self._sync.check()
            self._watcher.check()
            if self.blocks(new) and not (gone is not None and self.blocks(gone)):
                return time.monotonic()
            # As `Watcher.run` does it in every role.
            time.sleep(POLL_S)
        raise TimeoutError("the change did not come into force")
