"""BIND as an authority: a response policy zone that is transferred, changed and told of with a TSIG key."""

import base64
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
from programs import require

ZONE = "rpz.authority.example"
SECRET = b"0123456789abcdef0123456789abcdef"
KEY = dns.tsig.Key("isp-key.example.", SECRET, "hmac-sha256")

CONFIG = """
options {{
  directory "{folder}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  session-keyfile none;
  lock-file none;
  recursion no;
  dnssec-validation no;
  notify explicit;
  notify-delay 0;
  max-ixfr-ratio unlimited;
}};
controls {{ }};
key "isp-key.example" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{
  type primary;
  file "zone.db";
  allow-transfer {{ key "isp-key.example"; }};
  allow-update {{ key "isp-key.example"; }};
  also-notify {{ 127.0.0.1 port {notify} key "isp-key.example"; }};
}};
"""
HEAD = """$TTL 60
@ SOA ns.authority.example. root.authority.example. {serial} 3600 600 86400 300
@ NS ns.authority.example.
"""
PATIENCE_S = 30


class NameServer:
    def __init__(self, port: int, notify_port: int) -> None:
        self.port = port
        self.notify_port = notify_port

    @property
    def source(self) -> str:
        return f"axfr://127.0.0.1:{self.port}/{ZONE}"

    def update(self, *, add: list[str] | None = None, remove: list[str] | None = None) -> None:
        """A dynamic update (RFC 2136): the zone's next version."""
        update = dns.update.UpdateMessage(ZONE)
        for name in add or []:
            update.add(name, 60, "CNAME", ".")
        for name in remove or []:
            update.delete(name, "CNAME")
        update.use_tsig(KEY)
        answer = dns.query.tcp(update, "127.0.0.1", port=self.port, timeout=PATIENCE_S)
        assert answer.rcode() == dns.rcode.NOERROR

    def is_up(self) -> bool:
        try:
            query = dns.message.make_query(ZONE, "SOA")
            return bool(dns.query.udp(query, "127.0.0.1", port=self.port, timeout=1).answer)
        except (OSError, dns.exception.DNSException):
            return False


def free_port() -> int:
    """A port that is free for UDP and TCP, as far as anyone can tell."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def named(folder: Path, names: list[str], serial: int = 1) -> Iterator[NameServer]:
    """BIND with a zone that lists these names; skipped where it is neither installed nor installable."""
    program = require("named", "bind9")
    server = NameServer(free_port(), free_port())
    secret = base64.b64encode(SECRET).decode()
    config = CONFIG.format(
        folder=folder, port=server.port, notify=server.notify_port, secret=secret, zone=ZONE
    )
    (folder / "named.conf").write_text(config)
    records = "".join(f"{name} CNAME .\n" for name in names)
    (folder / "zone.db").write_text(HEAD.format(serial=serial) + records)
    with (folder / "named.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "-g", "-n", "1", "-c", str(folder / "named.conf")], stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + PATIENCE_S
        while not server.is_up():
            assert process.poll() is None, (folder / "named.log").read_text()
            assert time.monotonic() < until, (folder / "named.log").read_text()
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
