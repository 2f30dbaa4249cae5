"""`cop-filter top`: on a terminal, in a pipe, as JSON, and how it ends."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cop_filter.cli.exits import Exit
from cop_filter.cli.top_text import top_text
from cop_filter.report import counters
from cop_filter.report.latency import Latency
from cop_filter.report.rates import DnsRates, Figures, Upstream
from cop_filter.report.status import ListRow, Status

CONFIG = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:national.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
"""
COUNT = """
import select, sys
from cop_filter.events import Events
from cop_filter.verdict import *
events = Events()
events.generation("dns", 1)
print("counting", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    events.decided(Plane.DNS, Verdict(Action.BLOCK, 1, "national"), 10)
    events.dns_latency("fast", [0] * 5 + [10] + [0] * 18)
"""
ALTERNATE_SCREEN, MAIN_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "cop-filter.toml").write_text(CONFIG)
    (tmp_path / "national.txt").write_text("listed.example\n")
    return tmp_path


@pytest.fixture
def running(site: Path) -> Iterator[Path]:
    """A site where a list is published and a process counts without end."""
    command(site, "sync", stderr=subprocess.DEVNULL).communicate(timeout=60)
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT],
        env={**os.environ, counters.VARIABLE: str(counters.prepare(site / "state"))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counting\n"
    yield site
    process.communicate()


def command(site: Path, *words: str, **options: Any) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(site / "cop-filter.toml"), *words]
    return subprocess.Popen(argv, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("words", [("--once",), ()])
def test_in_a_pipe_it_is_one_look_in_plain_text(running: Path, words: tuple[str, ...]) -> None:
    code, out, err = ended(command(running, "top", "--interval", "300ms", *words))
    assert (code, err) == (Exit.OK, "")
    assert "\x1b" not in out
    first, second = out.splitlines()[:2]
    assert first.startswith("DNS ")
    assert int(first.split()[1].replace(",", "")) > 0
    assert second.startswith("  blocked ")
    assert "(national " in second
    assert "LATENCY  fast: p50 " in out
    assert "IN FORCE dns 1; published: 1\n" in out
    assert "national  ok " in out
    assert "listed.example" not in out


def test_json_goes_on_line_by_line_until_it_is_told_to_end(running: Path) -> None:
    top = command(running, "top", "--json", "--interval", "200ms")
    assert top.stdout is not None
    looks = [json.loads(top.stdout.readline()) for _ in range(2)]
    top.send_signal(signal.SIGTERM)
    assert ended(top)[0::2] == (Exit.OK, "")
    for one in looks:
        assert one["dns"]["queries_per_s"] == sum(one["dns"]["blocked_per_s"].values()) > 0
        # All counts are in the bucket of 16 to 32 us; where in it depends on what is counted meanwhile.
        assert 16e-6 < one["latency"]["fast"]["p50_s"] <= 32e-6
        assert (one["generation"], one["in_force"], one["processes"]) == (1, {"dns": 1}, 1)
        assert one["lists"][0]["state"] == "ok"
        assert one["interval_s"] >= 0.2
    assert looks[0]["at"] < looks[1]["at"]


def test_json_once_is_one_object(running: Path) -> None:
    code, out, _ = ended(command(running, "top", "--json", "--once", "--interval", "200ms"))
    assert code == Exit.OK
    assert json.loads(out)["interval_s"] >= 0.2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_on_a_terminal_it_stays_and_leaves_the_screen_as_it_was(
    running: Path, number: signal.Signals
) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    top = command(running, "top", "--interval", "200ms", stdin=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while shown.count(b"queries/s") < 3:
        shown += os.read(ours, 65536)
    assert ALTERNATE_SCREEN in shown
    top.send_signal(number)
    rest = until_closed(ours)
    assert top.wait(60) == Exit.OK
    assert top.stderr is not None
    assert top.stderr.read() == b""
    top.stderr.close()
    assert MAIN_SCREEN in rest
    assert b"listed.example" not in shown + rest


def until_closed(terminal: int) -> bytes:
    """What comes until whoever holds the other end has gone, which Linux reports as an error."""
    read = b""
    try:
        while block := os.read(terminal, 65536):
            read += block
    except OSError:
        pass
    os.close(terminal)
    return read


def test_where_nobody_counts_it_says_so(site: Path) -> None:
    ended(command(site, "sync"))
    code, out, _ = ended(command(site, "top", "--once", "--interval", "100ms"))
    assert code == Exit.OK
    assert "nobody counts in this state folder: is `cop-filter serve` running?" in out
    assert "national  ok " in out


def test_without_a_state_folder_there_is_nothing_to_watch(site: Path) -> None:
    code, out, err = ended(command(site, "top", "--once"))
    assert (code, out) == (Exit.STATE, "")
    assert "state_dir does not exist" in err
    assert not (site / "state").exists()


@pytest.mark.parametrize("interval", ["1", "0s", "soon", "-1s", "2d"])
def test_an_interval_that_is_none_is_a_mistake_on_the_command_line(site: Path, interval: str) -> None:
    code, out, err = ended(command(site, "top", "--interval", interval))
    assert (code, out) == (Exit.USAGE, "")
    assert "Invalid value for '--interval': must be" in err


def figures(**other: Any) -> Figures:
    dns = DnsRates(12345, {"national": 40, "police": 2}, {}, 3, 10000, 2000, 0, 0.5, 0, 0, 0, 0, 0)
    plain: dict[str, Any] = {
        "interval_s": 1.0, "processes": 2, "dns": dns, "latency": {}, "proxy_per_s": {}, "faults_per_s": 0.0,
        "upstreams": (), "in_force": {}, "cache_answers": 0, "cache_bytes": 0,
    }  # fmt: skip
    return Figures(**{**plain, **other})


STATUS = Status(4, 0.0, (ListRow("national", "ok", "enforce", 7, 0.0, 60.0, 60.0, 90.0, None),))


def shown(**other: Any) -> str:
    return top_text(figures(**other), STATUS, now=60.0)


def test_the_rates_of_the_resolver_come_first() -> None:
    lines = shown().splitlines()
    assert lines[0] == "DNS      12,345 queries/s"
    assert lines[1] == "  blocked   42 (national 40, police 2.0)"
    assert lines[2] == "  cached           10,000    forwarded         2,000    handed up             0"
    assert lines[3] == "  steered             3.0    local zones         0.5    stale                 0"


def test_a_role_that_enforces_another_generation_lags() -> None:
    assert "IN FORCE dns 4, proxy 3 lags; published: 4\n" in shown(in_force={"proxy": 3, "dns": 4})


def test_upstreams_are_told_by_their_place() -> None:
    text = shown(upstreams=(Upstream("0", False, {"timeout": 2.0}), Upstream("1", True, {})))
    assert "UPSTREAM 0: down, timeout 2.0\nUPSTREAM 1: up, not asked\n" in text


@pytest.mark.parametrize(
    ("latency", "words"),
    [
        (Latency(0.0, None, None), "p50 -, p99 -, 0 answers/s"),
        (Latency(20.0, 0.0000015, 0.0125), "p50 1.5 us, p99 12.5 ms, 20 answers/s"),
        (Latency(20.0, 1.5, 4.194304), "p50 1.5 s, p99 over 4.2 s, 20 answers/s"),
    ],
)
def test_latencies_have_units_that_fit(latency: Latency, words: str) -> None:
    assert f"LATENCY  forwarded: {words}\n" in shown(latency={"forwarded": latency})


def test_the_rest_is_shown_where_there_is_something() -> None:
    assert "PROXY" not in shown(proxy_per_s={"tls": {}, "http": {}})
    assert "PROXY    http: allow 12, block 1.0\n" in shown(
        proxy_per_s={"http": {"block": 1.0, "allow": 12.0}}
    )
    assert "FAULTS" not in shown()
    assert "FAULTS   2.0: a bug" in shown(faults_per_s=2.0)
    assert "CACHE    1,234 answers, 2.5 MiB\n" in shown(cache_answers=1234, cache_bytes=2621440)
