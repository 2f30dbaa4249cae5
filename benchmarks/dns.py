"""Figures of the DNS resolver, beside its peers in the same run: `python benchmarks/dns.py [--quick]`.

Servers run as in production on one core, with one thread; the load, the upstream and the publishing on
another. Answers are checked before anything is timed, and while it is. On a machine of one core all share
it: the figures say little then.
"""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dns_cop_filter
import dns_cores
import dns_flood
import dns_generator
import dns_misses
import dns_packages
import dns_questions
import dns_refresh
import dns_scale
import dns_throughput
import results
from dns_generator import Generator, GeneratorError
from dns_peers import PEERS, Peer, Running
from dns_peers import Site as PeerSite
from dns_questions import SEED
from dns_server import Program, Server, started
from published import free_port

Row = dict[str, Any]
PARTS = ("peers", "sizes", "workers", "flood", "refresh")


class Plan:
    """How much is measured."""

    def __init__(self, *, quick: bool) -> None:
        self.names = 50_000 if quick else 1_000_000
        self.sizes = (5_000, 50_000) if quick else (10_000, 1_000_000, 5_000_000)
        self.asked = 5_000 if quick else 50_000
        self.asked_few = 500 if quick else 2_000
        self.rounds = 1 if quick else 3
        self.seconds = 0.5 if quick else 3.0
        self.flood_s = 2.0 if quick else 10.0
        self.peers_refresh = not quick


def main() -> int:
    """Run the parts and save `results/dns.json`; 1 when one of them failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="smaller lists, shorter runs")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these")
    parser.add_argument(
        "--install-peers",
        action=argparse.BooleanOptionalAction,
        help="have apt-get install what is missing of them (default: for root, but not with --quick)",
    )
    options = parser.parse_args()
    install = options.install_peers
    if install is None:
        install = not options.quick
    if install and "peers" in options.parts and dns_packages.may_install():
        dns_packages.install(package for peer in PEERS for package in peer.packages)
    plan = Plan(quick=options.quick)
    cores = dns_cores.cores()
    generator = Generator(dns_generator.build(), cores)
    # This process measures: it must not wander to where the server is.
    os.sched_setaffinity(0, {cores.load})
    with tempfile.TemporaryDirectory() as temporary:
        bench = _Bench(Path(temporary), generator, plan)
        failed = {}
        for part in options.parts:
            try:
                getattr(bench, part)()
            except (RuntimeError, GeneratorError) as problem:
                # What the other parts measure is worth keeping.
                _tell(f"{part} failed: {problem}")
                failed[part] = str(problem)
    results.save(
        "dns",
        bench.rows,
        by="measure",
        seed=SEED,
        quick=options.quick,
        parts=list(options.parts),
        failed_parts=failed,
        generator="dns-load",
        listed_domains=plan.names,
        seconds_per_row=plan.seconds,
        rounds=plan.rounds,
        load_and_server_share_a_core=cores.shared,
        peers={peer.name: _version(peer) or "not on this machine" for peer in PEERS},
    )
    return 1 if failed else 0


class _Bench:
    """The parts, on lists that they share."""

    def __init__(self, folder: Path, generator: Generator, plan: Plan) -> None:
        self._folder, self._generator, self._plan = folder, generator, plan
        self._names = dns_questions.names(plan.names)
        self._asked = dns_questions.write(folder, self._names, plan.asked)
        self._sites = {plan.names: dns_cop_filter.Site(folder / "cop-filter", self._names)}
        self._on = [generator.cores.server]
        self.rows: list[Row] = []

    def peers(self) -> None:
        """Every server on the list at once; only one is asked at a time."""
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(self._generator.serving("upstream", self._generator.cores.load))
            servers = [stack.enter_context(self._sites[self._plan.names].started(upstream, self._on))]
            beside = list(self._start_peers(stack, upstream))
            servers += [running.server for running in beside]
            self.rows += self._throughput(servers, "peers")
            for server in servers:
                missed = self._asked.missed
                self.rows.append(
                    dns_misses.measure(self._generator, server, upstream, missed, self._plan.seconds)
                )
            if self._plan.peers_refresh:
                self._refresh_peers(beside)

    def _start_peers(self, stack: contextlib.ExitStack, upstream: int) -> Iterator[Running]:
        for peer in PEERS:
            if not _version(peer):
                _tell(f"{peer.name} is not on this machine")
                continue
            _tell(f"{peer.name} starts")
            site = PeerSite(self._folder / peer.name.split()[0].strip(","), free_port(), upstream)
            site.folder.mkdir()
            peer.write_list(site.listed, self._names)
            program = Program(
                peer.name,
                _version(peer),
                len(self._names),
                peer.command(site),
                site.port,
                dns_questions.probes(self._names),
            )
            try:
                server = stack.enter_context(started(program, self._on))
                for questions in (self._asked.listed, self._asked.cached):
                    self._generator.check(server.port, questions)
            except (RuntimeError, GeneratorError) as problem:
                _tell(f"{peer.name} is left out: {problem}")
                continue
            yield Running(peer, site, server)

    def _refresh_peers(self, beside: Sequence[Running]) -> None:
        changed = dns_refresh.lists(self._names)
        asked = dns_refresh.asked_throughout(self._folder / "kept", changed, self._plan.asked)
        for running in beside:
            _tell(f"{running.peer.name}: refresh under load")
            self._generator.check(running.server.port, asked.listed)
            self.rows.append(dns_refresh.of_peer(self._generator, running, asked, changed))

    def sizes(self) -> None:
        """The same load on short and long lists."""
        largest = dns_questions.names(max(self._plan.sizes))
        with contextlib.ExitStack() as stack:
            upstream = stack.enter_context(self._generator.serving("upstream", self._generator.cores.load))
            servers = []
            for size in self._plan.sizes:
                _tell(f"{size:,} names are published")
                if size not in self._sites:
                    self._sites[size] = dns_cop_filter.Site(self._folder / f"{size}", largest[:size])
                servers.append(stack.enter_context(self._sites[size].started(upstream, self._on)))
            # What the smallest list holds, all of them hold.
            folder = self._folder / "sizes"
            folder.mkdir()
            asked = dns_questions.write(folder, largest[: min(self._plan.sizes)], self._plan.asked)
            self.rows += self._throughput(servers, "sizes of the list", asked)

    def workers(self) -> None:
        """One and two."""
        few = self._few("workers", self._names, self._plan.asked // 10)
        with self._generator.serving("upstream", self._generator.cores.load) as upstream:
            self.rows += dns_scale.measure(
                self._generator,
                self._sites[self._plan.names],
                upstream,
                few,
                rounds=self._plan.rounds,
                seconds=self._plan.seconds,
            )

    def flood(self) -> None:
        """Unique names at a high rate against a slow upstream."""
        few = self._few("flood", self._names, self._plan.asked_few)
        site = self._sites[self._plan.names]
        self.rows += dns_flood.measure(self._generator, site, few, self._plan.flood_s)

    def refresh(self) -> None:
        """A new list for the resolver; last, for the site's list is another one afterwards."""
        changed = dns_refresh.lists(self._names)
        asked = dns_refresh.asked_throughout(self._folder / "throughout", changed, self._plan.asked)
        site = self._sites[self._plan.names]
        with (
            self._generator.serving("upstream", self._generator.cores.load) as upstream,
            site.started(upstream, self._on) as server,
        ):
            for questions in (asked.listed, asked.cached):
                self._generator.check(server.port, questions)
            _tell("a new list is published under load")
            self.rows.append(dns_refresh.of_cop_filter(self._generator, site, server, asked, changed))

    def _throughput(
        self, servers: Sequence[Server], title: str, asked: dns_questions.Asked | None = None
    ) -> list[Row]:
        return dns_throughput.measure(
            self._generator,
            servers,
            asked or self._asked,
            title=title,
            rounds=self._plan.rounds,
            seconds=self._plan.seconds,
        )

    def _few(self, name: str, names: Sequence[str], count: int) -> dns_questions.Asked:
        folder = self._folder / f"{name}-questions"
        folder.mkdir()
        return dns_questions.write(folder, names, count)


def _version(peer: Peer) -> str:
    """Of the peer, where all it needs is here; empty otherwise."""
    if not peer.packages:
        return results.versions()["dnslib"]
    found = [dns_packages.version(package) for package in peer.packages]
    return found[0] if all(found) else ""


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
