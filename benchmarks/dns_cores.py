"""Which core serves and which loads: a server and its load must not take from each other."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cores:
    """`server` for what is measured; `load` for generators, upstreams and publishing. One core: both."""

    load: int
    server: int
    spare: tuple[int, ...]

    @property
    def shared(self) -> bool:
        """Whether server and load take from each other after all."""
        return self.load == self.server


def cores() -> Cores:
    """Of those this process may run on."""
    available = sorted(os.sched_getaffinity(0))
    return Cores(available[0], available[min(1, len(available) - 1)], tuple(available[2:]))


def pinned(command: list[str], *on: int) -> list[str]:
    """The command, to run on these cores alone, and its children with it."""
    return ["taskset", "--cpu-list", ",".join(map(str, on)), *command]


def busy_s(core: int) -> float:
    """Seconds that a core has worked since the machine started, for whomever."""
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, ticks)
            return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"there is no core {core}")
