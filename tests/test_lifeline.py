"""A child ends with its parent, however that one ends."""

import select
import signal
import subprocess
import sys
from pathlib import Path

CHILD = """
import os, signal
from cop_filter import lifeline
lifeline.end_with(os.getppid())
print(os.getpid(), flush=True)
signal.pause()
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def test_a_child_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = Path("/proc", parent.stdout.readline().decode().strip())
    assert child.exists()
    parent.send_signal(signal.SIGKILL)
    parent.wait(30)
    # The child was the last that could write: the pipe ends with it.
    assert select.select([parent.stdout], [], [], 30)[0]
    assert parent.stdout.read() == b""
    parent.stdout.close()


def test_a_child_whose_parent_has_gone_before_ends_at_once() -> None:
    code = "from cop_filter import lifeline; lifeline.end_with(2**22 + 1); print('goes on')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
