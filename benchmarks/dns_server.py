"""A server under test: started on its core, timed until it answers, its processor time and memory read."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dns_cores import pinned
from dns_questions import SPLASH

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_READY_S = 180.0
_STOP_S = 30.0


class Memory(NamedTuple):
    """In MB: of the largest process; of all, shared pages by their share; of all, what nobody shares."""

    rss_mb: float
    pss_mb: float
    private_mb: float


@dataclass(frozen=True, slots=True)
class Program:
    """What is to run on how many listed names.

    It is ready when it blocks every one of `probes`: some let through what they have not loaded yet.
    """

    name: str
    version: str
    names: int
    command: list[str]
    port: int
    probes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Server:
    """What runs, and how long it took until it gave the first right answer."""

    program: Program
    pid: int
    ready_s: float

    @property
    def port(self) -> int:
        """Of 127.0.0.1, UDP."""
        return self.program.port

    @property
    def about(self) -> dict[str, object]:
        """What every row of figures begins with."""
        return {"server": self.program.name, "version": self.program.version, "names": self.program.names}

    def processes(self) -> list[int]:
        """It and its children: they have one process group."""
        return [pid for pid in _all_pids() if _group(pid) == self.pid]

    def cpu_s(self) -> float:
        """User and system time of all its processes so far."""
        return sum(_cpu_ticks(pid) for pid in self.processes()) / _TICKS_PER_S

    def memory(self) -> Memory:
        """As it is now; reading it takes the server a moment."""
        sums = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
        largest = 0
        for pid in self.processes():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
            found = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
            largest = max(largest, found["Rss"])
            for key in sums:
                sums[key] += found[key]
        private = sums["Private_Clean"] + sums["Private_Dirty"]
        return Memory(round(largest / 1024, 1), round(sums["Pss"] / 1024, 1), round(private / 1024, 1))

    def largest_rss_mb(self) -> float:
        """Of its largest process; cheap enough to be asked many times a second."""
        return round(max((_rss_pages(pid) for pid in self.processes()), default=0) * _PAGE_BYTES / 2**20, 1)


def _installed() -> dict[str, str]:
    """The environment of an installed service, whose bytecode is kept beside it from the first start on."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def started(program: Program, on: list[int]) -> Iterator[Server]:
    """Run `program` on the cores `on` until the block ends.

    Raises RuntimeError when it ends or gives no right answer in time.
    """
    began = time.monotonic()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            pinned(program.command, *on), start_new_session=True, stdout=said, stderr=said, env=_installed()
        ) as process,
    ):
        try:
            blocked = 0
            while blocked < len(program.probes):
                if answers(program.port, program.probes[blocked], SPLASH, wait_s=0.05):
                    blocked += 1
                    continue
                if process.poll() is not None:
                    said.seek(0)
                    last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
                    raise RuntimeError(f"{program.name} ended before it answered: {last}")
                if time.monotonic() - began > _READY_S:
                    raise RuntimeError(f"{program.name} does not answer as it must")
            yield Server(program, process.pid, round(time.monotonic() - began, 3))
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End it, by force if it does not of itself."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def answers(port: int, name: str, address: str, *, wait_s: float) -> bool:
    """Whether the server says that the first address of `name` is `address`."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(wait_s)
        try:
            sock.connect(("127.0.0.1", port))
            sock.send(query)
            response = sock.recv(4096)
        except ConnectionRefusedError:
            time.sleep(0.002)
            return False
        except OSError:
            return False
    # The first record follows the question: a compressed owner, type, class, TTL, length.
    rdata = len(query) + 12
    return response[rdata : rdata + 4] == socket.inet_aton(address)


def _all_pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command; none for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _group(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[2]) if fields else -1


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _rss_pages(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) if fields else 0
