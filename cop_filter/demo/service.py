"""`cop-filter` as a real process: `serve` is started and ended here, and other commands are run beside it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cop_filter.demo.programs import Finished, run
from cop_filter.supervisor import die_with

_COMMAND_S = 30
_END_S = 20
_LOG_LINES = 20


class Service:
    """One running `cop-filter serve`, its configuration and its log."""

    def __init__(self, config: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.config = config
        self.log = log
        self._environment = environment
        # -P: what lies in the folder where somebody happens to stand must not be run instead of ours.
        self._argv = [sys.executable, "-P", "-m", "cop_filter.cli", "--config", str(config)]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it is not ready yet."""
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._argv,
                "serve",
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own group: Ctrl-C reaches the demo alone, which ends everything in order.
                process_group=0,
                preexec_fn=die_with(os.getpid()),
            )

    @property
    def alive(self) -> bool:
        """False once it has ended by itself."""
        return self._process is not None and self._process.returncode is None

    async def stop(self) -> int | None:
        """End it in order; the exit code, or None when it had to be killed. Twice is once."""
        process = self._process
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_END_S):
                return await process.wait()
        except TimeoutError:
            # Its roles end with it: each has asked the kernel for that.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            return None

    async def command(self, *words: str) -> Finished:
        """Run another command on the same configuration."""
        return await run([*self._argv, *words], within_s=_COMMAND_S, environment=self._environment)

    async def status(self) -> dict[str, dict[str, Any]]:
        """What `cop-filter status --json` says, by list id; empty while it cannot say."""
        finished = await self.command("status", "--json")
        try:
            return {row["id"]: row for row in json.loads(finished.out)["lists"]}
        except (ValueError, KeyError, TypeError):
            return {}

    def last_lines(self) -> str:
        """The end of the log, for when something went wrong."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LOG_LINES:])


def free_port(host: str, *kinds: socket.SocketKind) -> int:
    """A port that is free now for sockets of all these kinds."""
    while True:
        with contextlib.ExitStack() as stack:
            first, *others = (stack.enter_context(socket.socket(socket.AF_INET, kind)) for kind in kinds)
            first.bind((host, 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError):
                for other in others:
                    other.bind((host, port))
                return port


async def until(condition: Callable[[], Any], *, within_s: float, pause_s: float = 0.02) -> float | None:
    """Seconds until the awaited condition held; None when it did not in time."""
    started = time.monotonic()
    while True:
        if await condition():
            return time.monotonic() - started
        if time.monotonic() - started > within_s:
            return None
        await asyncio.sleep(pause_s)
