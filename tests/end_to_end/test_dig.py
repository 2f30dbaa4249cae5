"""dig, as it comes with the system, asks the resolver as it runs in production."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dnslib import QTYPE, RR, DNSRecord
from programs import require

import cop_filter.config
from cop_filter import compiler
from cop_filter.entries import parse_many
from cop_filter.store import Store

LISTS = {"splash": "order", "nxdomain": "membership", "nodata": "subscriber", "refused": "membership"}
ENTRIES = {
    "splash": ["bad.example", "https://pages.example/hidden/1.html"],
    "nxdomain": ["gone.example"],
    "nodata": ["*.empty.example"],
    "refused": ["=only.refused.example"],
}
ZONE = """
www.good.example. 300 A 192.0.2.1
www.good.example. 300 AAAA 2001:db8::1
alias.good.example. 300 CNAME www.bad.example.
www.bad.example. 300 A 192.0.2.66
pages.example. 300 A 192.0.2.3
pages.example. 300 TXT "a page"
sub.refused.example. 300 A 192.0.2.4
empty.example. 300 A 192.0.2.5
"""
TYPES = ["A", "AAAA", "TXT", "MX", "HTTPS", "SVCB", "ANY", "NS", "SOA", "CNAME", "TYPE65280"]


class Upstream:
    """An upstream resolver in a thread, over UDP; it notes the names it was asked for."""

    def __init__(self):
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self.asked = []
        self._records = RR.fromZone(ZONE)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            packet, client = self._sock.recvfrom(4096)
            if not packet:
                self._sock.close()
                return
            query = DNSRecord.parse(packet)
            self.asked.append(str(query.q.qname).rstrip("."))
            reply = query.reply()
            name = query.q.qname
            for record in self._records:
                if record.rname == name and record.rtype in (query.q.qtype, QTYPE.CNAME):
                    reply.add_answer(record)
                    name = record.rdata.label if record.rtype == QTYPE.CNAME else name
            if not any(record.rname == query.q.qname for record in self._records):
                reply.header.rcode = 3
            self._sock.sendto(bytes(reply.pack()), client)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


class Resolver:
    """A running `python -m dns_resolver` with a generation of its own."""

    def __init__(self, folder: Path, *, workers: int = 1, steer: bool = False):
        self.dig_path = require("dig", "bind9-dnsutils")
        self.upstream = Upstream()
        self.port = free_port()
        self.config_file = folder / "cop-filter.toml"
        self.config_file.write_text(self._toml(folder, workers, steer))
        self.config = cop_filter.config.load(self.config_file)
        self.store = Store(self.config.state_dir)
        self.store.prepare()
        self.publish(ENTRIES)
        self.log = (folder / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dns_resolver", "--config", str(self.config_file)],
            stderr=self.log,
            start_new_session=True,
        )
        self._await("www.good.example", "192.0.2.1")

    def _toml(self, folder, workers, steer):
        lists = "".join(
            f"""
[[lists]]
id = "{name}"
source = "file:{folder}/{name}.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "{basis}"
answer = "{name}"
"""
            for name, basis in LISTS.items()
        )
        steer_to = '["192.0.2.90"]' if steer else "[]"
        on_ipv6 = f', "[::1]:{self.port}"' if has_ipv6_loopback() else ""
        return f"""
state_dir = "{folder}/state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
{lists}
[dns]
listen = ["127.0.0.1:{self.port}"{on_ipv6}]
upstreams = ["127.0.0.1:{self.upstream.port}"]
clients = ["127.0.0.1/32", "::1/128"]
workers = {workers}
control = "{folder}/dns.sock"
steer_to = {steer_to}
[splash]
listen = "127.0.0.1:{free_port()}"
addresses = ["192.0.2.80", "2001:db8::80"]
"""

    def publish(self, entries):
        with compiler.draft(self.store, self.config) as draft:
            for name, texts in entries.items():
                draft.replace(name, parse_many(texts))
            return draft.publish()

    def dig(self, *words, server="127.0.0.1"):
        """What dig prints, as (status, answer data, EDE codes, whole text)."""
        text = subprocess.run(
            [self.dig_path, f"@{server}", "-p", str(self.port), "+tries=1", "+time=5", *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stdout
        status = re.search(r"status: (\w+)", text)
        section = re.search(r"ANSWER SECTION:\n(.*?)\n\n", text, re.DOTALL)
        answers = [line.split(maxsplit=4)[4] for line in section[1].splitlines()] if section else []
        ede = [int(code) for code in re.findall(r"EDE: (\d+)", text)]
        return status[1] if status else None, answers, ede, text

    def order(self, word):
        """What the control socket answers."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.config.dns.control))
            sock.sendall(f"{word}\n".encode())
            return json.loads(sock.makefile().readline())

    def _await(self, name, data):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if data in self.dig(name, "+time=1")[1]:
                return
        self.stop()
        self.log.seek(0)
        pytest.fail(f"the resolver does not answer as awaited:\n{self.log.read()}")

    await_answer = _await

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return self.process.wait(5)
        finally:
            self.upstream.stop()


@pytest.fixture(scope="module")
def resolver(tmp_path_factory):
    running = Resolver(tmp_path_factory.mktemp("dns"))
    yield running
    assert running.stop() == 0
    running.log.seek(0)
    log = running.log.read()
    for name in ("good.example", "bad.example", "pages", "gone", "127.0.0.1", "::1"):
        assert name not in log, "nobody is watched"


TRANSPORTS = [["+notcp"], ["+tcp"], ["+noedns"], ["+dnssec"], ["+tcp", "+noedns"]]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_ordinary_name_resolves(resolver, transport):
    status, answers, ede, _ = resolver.dig("WWW.good.example", *transport)
    assert (status, answers, ede) == ("NOERROR", ["192.0.2.1"], [])


def test_several_queries_on_one_tcp_connection(resolver):
    _, _, _, text = resolver.dig("+tcp", "+keepopen", "www.good.example", "www.good.example", "AAAA")
    assert text.count("status: NOERROR") == 2
    assert "2001:db8::1" in text


@pytest.mark.skipif(not has_ipv6_loopback(), reason="this machine has no IPv6")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_listener_answers_on_ipv6(resolver, transport):
    assert resolver.dig("bad.example", *transport, server="::1")[1] == ["192.0.2.80"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "name", ["bad.example", "www.bad.example", "a.b.BAD.Example", "_sip._tcp.bad.example"]
)
def test_a_listed_domain_gets_the_splash_address(resolver, name, transport):
    edns = "+noedns" not in transport
    assert resolver.dig(name, *transport)[:3] == ("NOERROR", ["192.0.2.80"], [16, 4] if edns else [])
    assert resolver.dig(name, "AAAA", *transport)[1] == ["2001:db8::80"]


def test_a_client_that_returns_its_cookie_gets_whole_answers(resolver):
    text = resolver.dig("gone.example", "+notcp", "+cookie=0123456789abcdef")[3]
    learned = re.search(r"COOKIE: (0123456789abcdef[0-9a-f]{32}) \(good\)", text)[1]
    assert "IN\tSOA" not in text
    text = resolver.dig("gone.example", "+notcp", f"+cookie={learned}")[3]
    assert "(good)" in text
    assert "IN\tSOA" in text


@pytest.mark.parametrize("qtype", TYPES)
def test_every_type_of_a_listed_name_is_answered_here(resolver, qtype):
    expected = {"A": ["192.0.2.80"], "AAAA": ["2001:db8::80"]}.get(qtype, [])
    status, answers, ede, text = resolver.dig("www.bad.example", qtype, "+notcp")
    assert (status, answers, ede[0]) == ("NOERROR", expected, 16)
    assert expected or "IN\tSOA" in text
    # A first cookie would take the room that the SOA needs beside so short a name (ADR 0014).
    status, answers, ede, text = resolver.dig("gone.example", qtype, "+notcp", "+nocookie")
    assert (status, answers, ede) == ("NXDOMAIN", [], [15])
    assert "IN\tSOA" in text
    status, answers, ede, text = resolver.dig("www.empty.example", qtype, "+notcp")
    assert (status, answers, ede) == ("NOERROR", [], [17])
    assert "IN\tSOA" in text
    status, answers, ede, _ = resolver.dig("only.refused.example", qtype, "+notcp")
    assert (status, answers, ede) == ("REFUSED", [], [15])


def test_what_an_entry_does_not_cover_resolves(resolver):
    assert resolver.dig("empty.example")[1] == ["192.0.2.5"]
    assert resolver.dig("sub.refused.example")[1] == ["192.0.2.4"]


def test_a_page_url_never_blocks_its_host(resolver):
    assert resolver.dig("pages.example")[:3] == ("NOERROR", ["192.0.2.3"], [])


def test_an_alias_of_a_listed_name_is_blocked(resolver):
    for _ in range(2):
        assert resolver.dig("alias.good.example")[:3] == ("NOERROR", ["192.0.2.80"], [16, 4])


def test_a_listed_name_is_never_asked_upstream(resolver):
    assert resolver.dig("never-asked.bad.example")[1] == ["192.0.2.80"]
    assert not any(name.endswith("bad.example") for name in resolver.upstream.asked)


def test_protocol_switches_and_other_classes(resolver):
    assert resolver.dig("_dns.resolver.arpa", "SVCB")[:2] == ("NOERROR", [])
    assert resolver.dig("use-application-dns.net")[0] == "NXDOMAIN"
    assert resolver.dig("CH", "TXT", "version.bind")[0] == "REFUSED"
    assert resolver.dig("good.example", "AXFR", "+tcp")[3].count("Transfer failed") == 1
    assert resolver.dig("www.good.example", "+edns=1", "+noednsnegotiation")[0] == "BADVERS"


def test_a_client_outside_the_networks_is_refused(resolver):
    status, answers, ede, _ = resolver.dig("-b", "127.0.0.9", "www.good.example")
    assert (status, answers, ede) == ("REFUSED", [], [18])


def test_a_published_generation_is_in_force_within_a_second(resolver):
    listed = {**ENTRIES, "splash": [*ENTRIES["splash"], "www.good.example"]}
    assert resolver.dig("www.good.example")[1] == ["192.0.2.1"]
    try:
        resolver.publish(listed)
        published = time.monotonic()
        resolver.await_answer("www.good.example", "192.0.2.80")
        assert time.monotonic() - published < 2  # a second, and what dig itself takes
    finally:
        resolver.publish(ENTRIES)
        resolver.await_answer("www.good.example", "192.0.2.1")


def test_workers_share_the_port_and_a_killed_one_is_replaced(tmp_path):
    running = Resolver(tmp_path, workers=2, steer=True)
    try:
        assert running.dig("pages.example")[1] == ["192.0.2.90"]
        assert running.dig("pages.example", "TXT")[1] == ['"a page"']
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        before = children.read_text().split()
        assert len(before) == 2
        os.kill(int(before[0]), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while set(children.read_text().split()) == set(before) or len(children.read_text().split()) < 2:
            assert time.monotonic() < deadline
            os.sched_yield()
        answered = [running.dig("bad.example", "+time=8")[1] for _ in range(12)]
        assert answered == [["192.0.2.80"]] * 12
    finally:
        assert running.stop() == 0


def test_the_control_socket_tells_the_generation_and_empties_the_cache(resolver):
    resolver.dig("www.good.example")
    asked = resolver.upstream.asked.count("www.good.example")
    assert resolver.order("status")["generation"] == resolver.store.current()
    assert resolver.order("status")["cached_answers"] >= 1
    assert resolver.order("flush")["flushed"] >= 1
    assert resolver.dig("www.good.example")[1] == ["192.0.2.1"]
    assert resolver.upstream.asked.count("www.good.example") == asked + 1


def test_a_wrong_start_names_the_key_and_the_exit_code_says_usage(tmp_path):
    path = tmp_path / "empty.toml"
    path.write_text("[dns]\nlisten = 3\n")
    ended = subprocess.run(
        [sys.executable, "-m", "dns_resolver", "--config", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "dns.listen" in ended.stderr
