"""`cop-filter demo` as a user runs it: everything is as expected, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from proxy_rig import wait_until

# A shell that starts something in the background has it ignore what a test is about to send.
DEMO = ["/usr/bin/env", "--default-signal=INT", sys.executable, "-m", "cop_filter.cli", "demo"]


@contextmanager
def running(folder, *options, **environment):
    """The demo as a process whose temporary files lie in `folder`; killed if the test leaves it running."""
    process = subprocess.Popen(
        [*DEMO, *options],
        env={**os.environ, "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)


def left_behind(folder):
    """Files in the folder, and processes that were started with a path in it."""
    return [str(path) for path in folder.iterdir()] + processes_of(folder)


def processes_of(folder):
    processes = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command:
            processes.append(command.replace(b"\0", b" ").decode())
    return processes


def test_all_is_as_expected_the_commands_to_try_by_hand_work_and_ctrl_c_leaves_nothing(tmp_path):
    by_hand = []
    with running(tmp_path, "--keep") as process:
        shown = ""
        for line in process.stdout:
            shown += line
            if line.startswith("Ctrl-C"):
                by_hand = [
                    subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
                    for command in commands(shown)
                ]
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, shown
    assert "✗" not in shown
    rows, seconds = map(int, re.search(r"All (\d+) answers are as expected. It took (\d+) s", shown).groups())
    assert rows > 90
    assert seconds < 60
    assert max(map(len, shown.replace(instructions(shown), "").splitlines())) <= 100
    assert [(one.returncode, one.stderr) for one in by_hand] == [(0, "")] * 2
    status, checked = (one.stdout for one in by_hand)
    assert "national" in status
    assert "blocked on http" in checked
    assert left_behind(tmp_path) == []


def instructions(shown):
    return re.search(r"(?s)Everything is still running.*Ctrl-C[^\n]*", shown)[0]


def commands(shown):
    """The lines that call `cop-filter` itself."""
    return [line for line in instructions(shown).splitlines() if " --config " in line]


def test_it_asks_with_its_own_clients_where_dig_and_curl_are_missing(tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    with running(tmp_path, PATH=str(empty)) as process:
        shown, _ = process.communicate(timeout=120)
    assert process.returncode == 0, shown
    assert "dig is not installed" in shown
    assert "curl is not installed" in shown
    assert left_behind(tmp_path) == [str(empty)]


def test_a_signal_in_the_middle_ends_and_removes_everything(tmp_path):
    with running(tmp_path) as process:
        for line in process.stdout:
            if line.startswith("A network in small"):
                process.terminate()
        assert process.wait(60) == 1
    assert left_behind(tmp_path) == []


def test_a_killed_demo_leaves_no_process_behind(tmp_path):
    with running(tmp_path) as process:
        for line in process.stdout:
            if line.startswith("A network in small"):
                assert processes_of(tmp_path)
                process.kill()
        assert process.wait(60) == -signal.SIGKILL
    wait_until(lambda: not processes_of(tmp_path))
