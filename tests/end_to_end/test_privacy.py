"""Nobody is watched: what was planted in lists, questions and secrets is found nowhere afterwards.

Every role runs with all debugging that Python has, and meets what is well formed and what is not.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnslib import DNSRecord
from whole_service import CLIENT, LIST, WholeService, until

LISTED = "planted-listed.example"
PAGE = "http://planted-host.example/planted-page.html?planted-query=1"
ASKED = "planted-asked.example"
SECRET = "planted-secret-8c1f"
PLANTED = b"planted-"
DEBUGGING = {
    "PYTHONDEVMODE": "1",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONWARNINGS": "default",
    "PYTHONFAULTHANDLER": "1",
}
BROKEN_REQUESTS = (
    b"GET http://planted-asked.example/ HTTP/1.1\r\nHost: planted-other.example\r\n\r\n",
    b"GET http://planted-asked.example/ HTTP/1.1\r\nHost: a\r\nplanted-header planted-header: x\r\n\r\n",
    b"GET http://planted-asked.example:99999/planted-path HTTP/1.1\r\n\r\n",
    b"GET http://planted-asked.example/ HTTP/1.1\r\nContent-Length: planted-\r\n\r\n",
    b"CONNECT planted-asked.example:443 HTTP/1.1\r\nHost: planted-asked.example\r\n\r\n\x16\x03planted-hello",
    b"CONNECT planted-listed.example:443 HTTP/1.1\r\nHost: planted-listed.example\r\n\r\n",
    b"\x16\x03\x01\x00\x10planted-hello\x00\x00\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nplanted-frames",
    b"planted-nonsense\r\n\r\n",
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WholeService]:
    secret = tmp_path / "secrets" / "token"
    secret.parent.mkdir()
    secret.write_text(SECRET)
    more = 'bearer_token_file = "secrets/token"\ntimeout = "300ms"'
    refused = LIST.format(id="unreachable", source="https://127.0.0.1:9/list", interval="1s", more=more)
    more = 'bearer_token_env = "LIST_TOKEN"\ntimeout = "300ms"'
    refused += LIST.format(id="also-unreachable", source="https://127.0.0.1:9/", interval="1s", more=more)
    bad = tmp_path / "bad.txt"
    bad.write_text("planted-line is no entry\nhttp://planted-bad-host:planted-port/\nplanted-good.example\n")
    refused += LIST.format(id="damaged", source=f"file:{bad}", interval="1s", more="")
    one = WholeService(tmp_path, proxy=True, extra_lists=refused)
    one.publish(LISTED, PAGE, "http://planted-host.example/planted-*/pattern")
    environment = {"SSLKEYLOGFILE": str(tmp_path / "state" / "keys.log"), "LIST_TOKEN": SECRET}
    one.start(environment={**DEBUGGING, **environment})
    one.until_blocked(LISTED)
    yield one
    one.stop()


def send(port: int, *packets: bytes) -> bytes:
    """Send over TCP from the client's address, and read what comes until there is nothing more."""
    received = b""
    with socket.socket() as sock, contextlib.suppress(OSError):
        sock.settimeout(0.5)
        sock.bind((CLIENT, 0))
        sock.connect(("127.0.0.1", port))
        for packet in packets:
            sock.sendall(packet)
        while block := sock.recv(65536):
            received += block
    return received


def ask_dns(service: WholeService) -> None:
    port = service.ports["dns"]
    for name in (LISTED, f"sub.{LISTED}", ASKED, "planted-host.example"):
        for tcp in (False, True):
            service.ask(name, tcp=tcp)
    packet = bytes(DNSRecord.question(ASKED).pack())
    chance = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((CLIENT, 0))
        for _ in range(200):
            mutated = bytearray(packet)
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
            sock.sendto(mutated, ("127.0.0.1", port))
    send(port, b"\0\xff" + packet)
    service.upstream.silent = True
    service.ask("planted-unanswered.example", timeout_s=2)
    service.upstream.silent = False


def ask_web(service: WholeService) -> bytes:
    """All that the page's server and the proxy say."""
    proxy, splash = service.ports["proxy"], service.ports["splash"]
    said = b""
    urls = (PAGE, f"http://{LISTED}/planted-path", f"http://{ASKED}/planted-path")
    for url in urls:
        host = url.split("/")[2]
        said += send(proxy, f"GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        said += send(
            splash, f"GET /planted-path HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        )
    for request in BROKEN_REQUESTS:
        said += send(proxy, request)
        said += send(splash, request)
    return said


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its name as part of what it tells."""
    found = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                found[str(path)] = os.fsencode(path.relative_to(folder)) + path.read_bytes()
    return found


def test_what_was_listed_asked_or_secret_is_written_down_nowhere(service: WholeService) -> None:
    port = service.ports["metrics"]
    until(lambda: {"addons", "metrics", "splash", "selftest"} <= set(service.roles()))
    until(lambda: all(_listens(service.ports[name]) for name in ("proxy", "splash", "metrics")))
    ask_dns(service)
    said = ask_web(service)
    assert b" 451 " in said
    until(lambda: b"list damaged refused" in service.log.read_bytes())
    until(lambda: b"list unreachable refused" in service.log.read_bytes())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        metrics = response.read()
    assert b'cop_filter_decisions_total{action="block",list="national",plane="dns"}' in metrics
    assert b'cop_filter_decisions_total{action="block",list="national",plane="http"}' in metrics

    roles = service.roles()
    places = {f"command line of {name}": _of(pid, "cmdline") for name, pid in roles.items()}
    # A secret that the operator puts into the environment is in that of sync, and of who starts it.
    places |= {f"environment of {name}": _of(pid, "environ") for name, pid in roles.items() if name != "sync"}
    assert len(places) == 11
    # One dies in the middle of it, and tells why.
    service.kill("splash", signal.SIGABRT)
    service.stop()
    places |= {"metrics": metrics, "log": service.log.read_bytes()}
    places |= contents(service.state)
    told = {place for place, content in places.items() if PLANTED in content.lower()}
    assert told == set()
    for place, content in places.items():
        assert CLIENT.encode() not in content, place
    assert not (service.state / "keys.log").exists()
    # No origin answered, so all these words are ours and the libraries'.
    assert PLANTED not in said.lower()
    assert not list(service.folder.rglob("core*"))


def test_commands_tell_lists_and_reasons_and_no_entry(service: WholeService) -> None:
    until(lambda: b"list damaged refused" in service.log.read_bytes())
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(service.config_path)]
    for words in (["status"], ["status", "--json"], ["sync"], ["sync", "--json"], ["rollback"]):
        done = subprocess.run(
            [*argv, *words], capture_output=True, env={**os.environ, **DEBUGGING}, check=False, timeout=60
        )
        assert done.stdout or done.stderr
        assert PLANTED not in done.stdout + done.stderr


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _of(pid: int, kind: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{kind}").read_bytes()
    except PermissionError:  # not dumpable: for root's eyes only
        return b""
