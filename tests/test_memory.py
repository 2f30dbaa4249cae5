"""What a refresh took goes back to the system."""

import subprocess
import sys

_PROGRAM = """
from pathlib import Path
from cop_filter import memory

def resident_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

memory.keep_large_apart()
before = resident_kb()
# A first large one, freed, has glibc keep later ones, unless it is told not to.
large = b"x" * (30 << 20)
del large
pieces = [b"x" * (1 << 20) for _ in range(30)]
kept = pieces[-1]
del pieces
memory.give_back()
print(resident_kb() - before)
"""


def test_large_allocations_go_back_when_they_are_freed() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 << 10
