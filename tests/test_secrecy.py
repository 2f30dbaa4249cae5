"""What a process keeps to itself when it dies, and when Python speaks past all loggers."""

import subprocess
import sys

import pytest

PLANTED = "planted.example"


def run(code: str, *options: str) -> str:
    """What a process writes that keeps its secrets."""
    prelude = "from cop_filter import logs, secrecy; secrecy.keep(); logs.set_up()\n"
    done = subprocess.run(
        [sys.executable, *options, "-c", prelude + code], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_no_core_is_dumped_and_no_other_process_may_look() -> None:
    code = (
        "import ctypes, resource; print(ctypes.CDLL(None).prctl(3), resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert run(code) == "0 (0, 0)\n"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (f"raise ValueError('{PLANTED}')", "ValueError"),
        (
            f"import threading; threading.Thread(target=lambda: 1 / len('{PLANTED}'[:0])).start()",
            "ZeroDivision",
        ),
        (
            f"class A:\n def __del__(self): raise ValueError('{PLANTED}')\ndel_me = A(); del del_me",
            "ValueError",
        ),
        (f"import warnings; warnings.warn('{PLANTED}')", "py.warnings"),
    ],
)
def test_what_nobody_caught_is_told_without_its_text(code: str, told: str) -> None:
    written = run(code)
    assert told in written
    assert PLANTED not in written


def test_a_connection_that_was_never_closed_is_not_named_with_its_peer() -> None:
    written = run(
        "import socket\nlistener = socket.create_server(('127.0.0.1', 0))\n"
        "one = socket.create_connection(listener.getsockname())\ndel one, listener",
        "-X", "dev",
    )  # fmt: skip
    assert "py.warnings" in written
    assert "127.0.0.1" not in written
