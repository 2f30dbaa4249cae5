"""What a refresh took goes back to the system."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from generations import a_config

from cop_filter import memory, sync

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


async def test_a_publisher_gives_memory_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[bool] = []
    monkeypatch.setattr(memory, "keep_large_apart", lambda: called.append(True))
    await sync.run_once(a_config(tmp_path / "state"), only=[])
    assert called


@memory.no_search_for_cycles()
def fails() -> None:
    assert not gc.isenabled()
    raise ValueError("a bug")


def test_the_search_for_cycles_goes_on_whatever_happens_meanwhile() -> None:
    with pytest.raises(ValueError, match="a bug"):
        fails()
    assert gc.isenabled()
