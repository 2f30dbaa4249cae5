"""The resolver as it runs in production, on a published list, and how a new list is published beside it."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import results
from dns_cores import pinned
from dns_questions import SPLASH, probes, write_names
from dns_server import Program, Server, started
from published import free_port, publish

NAME = "cop-filter"

_ROLES = """
[dns]
listen = ["127.0.0.1:{port}"]
upstreams = ["127.0.0.1:{upstream_port}"]
clients = ["127.0.0.0/8"]
workers = {workers}
upstream_timeout = "4s"
{more}
[splash]
listen = "127.0.0.1:{splash_port}"
addresses = ["{splash}"]
"""
UNLIMITED = "rate_limit = 10_000_000"
"""The limit is looked at and never reached: what it costs is in the figures."""


class Site:
    """A state directory with `listed` in force; configurations for servers on it."""

    def __init__(self, folder: Path, listed: Sequence[str]) -> None:
        folder.mkdir()
        self._folder, self._listed = folder, listed
        self.config: Path | None = None

    def started(
        self, upstream_port: int, on: list[int], *, workers: int = 1, more: str = UNLIMITED
    ) -> AbstractContextManager[Server]:
        """A server on the list; `more` are lines for the table [dns]."""
        port = free_port()
        roles = _ROLES.format(
            port=port,
            upstream_port=upstream_port,
            workers=workers,
            more=more,
            splash_port=free_port(),
            splash=SPLASH,
        )
        self.config = publish(self._folder / f"{port}.toml", roles, self._listed)
        command = [sys.executable, "-m", "dns_resolver", "--config", str(self.config)]
        version = results.versions()["cop-filter"]
        program = Program(NAME, version, len(self._listed), command, port, probes(self._listed))
        return started(program, on)

    def stage(self, listed: Sequence[str]) -> Path:
        """Put the next list where `publishing` finds it."""
        return write_names(self._folder / "next.txt", listed)

    def publishing(self, staged: Path, on: int) -> subprocess.Popen[str]:
        """A process that publishes a staged list, and prints the monotonic time at which that was done."""
        script = Path(__file__).with_name("published.py")
        # The load runs on the same core, and is what is being measured.
        command = ["nice", sys.executable, str(script), str(self.config), str(staged)]
        return subprocess.Popen(pinned(command, on), stdout=subprocess.PIPE, text=True)
