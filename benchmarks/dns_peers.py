"""The peers: other servers with the same list, one thread each, forwarding to the same upstream.

Each blocks every listed domain with its subdomains by one address, and caches as much as it is asked for.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dns_questions import SPLASH, write_names
from dns_server import Server

_CACHED = 500_000
"""Answers that every cache has room for."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a peer has its files and what it listens at and forwards to."""

    folder: Path
    port: int
    upstream_port: int

    @property
    def listed(self) -> Path:
        """The list, in the peer's own format."""
        return self.folder / "listed"


class Peer:
    """`command` writes the configuration; `reload` has the server take a changed list, as `way` says."""

    name: str
    packages: Sequence[str]
    program: str
    way: str = ""
    """How a changed list comes into force; empty where that is not measured."""

    def write_list(self, path: Path, names: Iterable[str]) -> None:
        """Write the domains in the peer's format."""
        with path.open("w", encoding="ascii") as file:
            file.writelines(self.lines(names))

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        """The list's lines, for those that have lines."""
        raise NotImplementedError

    def command(self, site: Site) -> list[str]:
        """What runs it in the foreground; what it reads is written."""
        raise NotImplementedError

    def reload(self, running: "Running") -> None:
        """Said after the list was renamed into place."""
        os.kill(running.server.pid, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that was started."""

    peer: Peer
    site: Site
    server: Server


def _rpz(names: Iterable[str], address: str = SPLASH) -> Iterator[str]:
    yield "$TTL 30\n@ SOA localhost. nobody.invalid. 1 3600 600 86400 30\n@ NS localhost.\n"
    for name in names:
        yield f"{name} A {address}\n*.{name} A {address}\n"


class Dnsdist(Peer):
    """A CDB of names in wire form, every suffix looked up, in front of a packet cache."""

    name, packages, program = "dnsdist, CDB", ("dnsdist", "tinycdb"), "dnsdist"
    way = "file renamed, looked at every second"

    def write_list(self, path: Path, names: Iterable[str]) -> None:
        text = path.with_suffix(".cdbmake")
        with text.open("wb") as file:
            for name in names:
                key = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
                file.write(b"+%d,1:%s->1\n" % (len(key), key))
            file.write(b"\n")
        subprocess.run(["cdb", "-c", "-t", str(path.with_suffix(".tmp")), str(path), str(text)], check=True)
        text.unlink()

    def command(self, site: Site) -> list[str]:
        path = site.folder / "dnsdist.conf"
        path.write_text(
            f"""
setLocal("127.0.0.1:{site.port}")
setACL("127.0.0.0/8")
setMaxUDPOutstanding(65535)
setSecurityPollSuffix("")
setUDPMultipleMessagesVectorSize(64)
newServer({{address="127.0.0.1:{site.upstream_port}", checkInterval=60}})
getPool(""):setCache(newPacketCache({_CACHED}, {{maxTTL=86400}}))
listed = newCDBKVStore("{site.listed}", 1)
addAction(KeyValueStoreLookupRule(listed, KeyValueLookupKeySuffix(0, true)), SpoofAction("{SPLASH}"))
""",
            encoding="ascii",
        )
        return ["dnsdist", "--supervised", "--disable-syslog", "--config", str(path)]

    def reload(self, running: Running) -> None:
        """It looks for itself."""


class PowerDns(Peer):
    """A response policy zone in the recursor, and its packet cache in front."""

    name, packages, program = "PowerDNS Recursor, RPZ", ("pdns-recursor",), "pdns_recursor"
    way = "rec_control reload-lua-config"

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        return _rpz(names)

    def command(self, site: Site) -> list[str]:
        (site.folder / "rpz.lua").write_text(f'rpzFile("{site.listed}", {{policyName="bench"}})\n')
        (site.folder / "recursor.conf").write_text(
            f"""
local-address=127.0.0.1
local-port={site.port}
forward-zones-recurse=.=127.0.0.1:{site.upstream_port}
dont-query=
lua-config-file={site.folder}/rpz.lua
socket-dir={site.folder}
threads=1
pdns-distributes-queries=no
dnssec=off
max-packetcache-entries={_CACHED}
max-cache-entries={_CACHED}
allow-from=127.0.0.0/8
security-poll-suffix=
daemon=no
disable-syslog=yes
quiet=yes
loglevel=2
""",
            encoding="ascii",
        )
        return ["pdns_recursor", f"--config-dir={site.folder}"]

    def reload(self, running: Running) -> None:
        folder = running.site.folder
        command = ["rec_control", f"--config-dir={folder}", f"--socket-dir={folder}"]
        # It waits until the list is loaded, five seconds at most unless told.
        subprocess.run(
            [*command, "--timeout=120", "reload-lua-config"], check=True, stdout=subprocess.DEVNULL
        )


class Unbound(Peer):
    """Every domain a local zone that redirects."""

    name, packages, program = "Unbound, local-zone", ("unbound",), "unbound"
    way = "SIGHUP"

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            yield f'local-zone: "{name}." redirect\nlocal-data: "{name}. 30 A {SPLASH}"\n'

    def command(self, site: Site) -> list[str]:
        path = site.folder / "unbound.conf"
        path.write_text(
            f"""
server:
  interface: 127.0.0.1
  port: {site.port}
  access-control: 127.0.0.0/8 allow
  num-threads: 1
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{site.folder}"
  pidfile: "{site.folder}/unbound.pid"
  use-syslog: no
  do-not-query-localhost: no
  module-config: "iterator"
  msg-cache-size: 256m
  rrset-cache-size: 256m
  num-queries-per-thread: 4096
  outgoing-range: 8192
  include: "{site.listed}"
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{site.upstream_port}
remote-control:
  control-enable: no
""",
            encoding="ascii",
        )
        return ["unbound", "-d", "-c", str(path)]


class Dnsmasq(Peer):
    """Every domain an address; a changed list of these takes a restart."""

    name, packages, program = "dnsmasq, address", ("dnsmasq-base",), "dnsmasq"

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        return (f"address=/{name}/{SPLASH}\n" for name in names)

    def command(self, site: Site) -> list[str]:
        path = site.folder / "dnsmasq.conf"
        path.write_text(
            f"""
port={site.port}
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
server=127.0.0.1#{site.upstream_port}
cache-size={_CACHED}
dns-forward-max=4096
user=
pid-file=
conf-file={site.listed}
""",
            encoding="ascii",
        )
        return ["dnsmasq", "--keep-in-foreground", "--log-facility=-", f"--conf-file={path}"]


class Bind(Peer):
    """A response policy zone."""

    name, packages, program = "BIND, RPZ", ("bind9",), "named"
    way = "SIGHUP"

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        return _rpz(names)

    def command(self, site: Site) -> list[str]:
        path = site.folder / "named.conf"
        path.write_text(
            f"""
options {{
  directory "{site.folder}";
  pid-file none;
  session-keyfile none;
  listen-on port {site.port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  allow-query {{ 127.0.0.0/8; }};
  recursion yes;
  forward only;
  forwarders {{ 127.0.0.1 port {site.upstream_port}; }};
  dnssec-validation no;
  max-cache-size 1g;
  response-policy {{ zone "rpz.invalid"; }} qname-wait-recurse no;
}};
controls {{ }};
zone "rpz.invalid" {{ type primary; file "{site.listed}"; notify no; }};
""",
            encoding="ascii",
        )
        return ["named", "-f", "-n", "1", "-c", str(path)]


class Knot(Peer):
    """A response policy zone read by the policy module."""

    name, packages, program = "Knot Resolver, RPZ", ("knot-resolver",), "kresd"

    def lines(self, names: Iterable[str]) -> Iterator[str]:
        return _rpz(names)

    def command(self, site: Site) -> list[str]:
        path = site.folder / "kresd.conf"
        path.write_text(
            f"""
net.listen('127.0.0.1', {site.port}, {{ kind = 'dns' }})
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('ta_signal_query')
modules.unload('priming')
cache.size = 512 * MB
policy.add(policy.rpz(policy.DENY, '{site.listed}', false))
policy.add(policy.all(policy.STUB({{'127.0.0.1@{site.upstream_port}'}})))
""",
            encoding="ascii",
        )
        return ["kresd", "--noninteractive", "--config", str(path), str(site.folder)]


class Asyncio(Peer):
    """The least that asyncio, dnslib and a set make of a filtering server: `dns_peer.py`."""

    name, packages, program = "asyncio + dnslib + set", (), sys.executable

    def write_list(self, path: Path, names: Iterable[str]) -> None:
        write_names(path, names)

    def command(self, site: Site) -> list[str]:
        script = Path(__file__).with_name("dns_peer.py")
        return [sys.executable, str(script), "--port", str(site.port), "--names", str(site.listed)]


PEERS: tuple[Peer, ...] = (Dnsdist(), PowerDns(), Unbound(), Dnsmasq(), Bind(), Knot(), Asyncio())
