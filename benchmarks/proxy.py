"""Throughput of the proxy: `python benchmarks/proxy.py [--quick]`.

The role runs as in production (`python -m addons`, real sockets, counters on) on a generated list; beside it,
in the same run and in turn, the same mitmproxy without the filter. Every answer is checked while it is timed.
Proxy, origin and load share the machine: with few cores they take from each other. What the filter itself
costs a request is measured apart, hook by hook, without a network.
"""

import argparse
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import proxy_load
import results
from published import free_port, publish

_ROUNDS = 3
_CONNECTIONS = 16
_PAGES = 500

_BARE = """
import asyncio, logging, sys
from mitmproxy.addons import core, disable_h2c, next_layer, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.options import Options

async def serve():
    logging.getLogger("mitmproxy").setLevel(logging.ERROR)
    master = Master(Options())
    master.addons.add(core.Core(), proxyserver.Proxyserver(), disable_h2c.DisableH2C(),
                      next_layer.NextLayer(), tlsconfig.TlsConfig())
    master.options.update(listen_host="127.0.0.1", listen_port=int(sys.argv[1]), connection_strategy="lazy",
                          confdir=sys.argv[2])
    asyncio.get_running_loop().add_signal_handler(15, master.shutdown)
    await master.run()

asyncio.run(serve())
"""


@contextlib.contextmanager
def served(command: list[str], port: int) -> Iterator[Callable[[], float]]:
    """A proxy process that listens; yields what tells the processor seconds it has used. Ended afterwards."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError("the proxy ended before it listened")
            time.sleep(0.25)
        else:
            raise RuntimeError("the proxy does not listen")
        yield lambda: _processor_s(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _processor_s(pid: int) -> float:
    """User and system time of a process, from proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listed(domains: int) -> Iterator[str]:
    """That many domains, and the listed pages of the origin."""
    yield from (f"d{n}.bench.example" for n in range(domains))
    yield from (f"http://127.0.0.1/listed/{n}.html" for n in range(_PAGES))


def throughput(folder: Path, domains: int, duration_s: float) -> list[dict[str, object]]:
    """Ask both proxies in turn; a row for each workload, the median of the rounds."""
    origin = proxy_load.Origin()
    bare_port, port = free_port(), free_port()
    config = publish(folder / "cop-filter.toml", f'[proxy]\nlisten = "127.0.0.1:{port}"\n', listed(domains))
    site = f"http://127.0.0.1:{origin.port}"
    allowed = [f"{site}/pages/{n}.html" for n in range(_PAGES)]
    blocked = [f"{site}/listed/{n}.html" for n in range(_PAGES)]
    workloads = [
        ("allowed page", "mitmproxy alone", bare_port, allowed, 200),
        ("allowed page", "with the filter", port, allowed, 200),
        ("listed page", "with the filter", port, blocked, 451),
    ]
    rounds: list[list[tuple[proxy_load.Load, float]]] = [[] for _ in workloads]
    bare = [sys.executable, "-c", _BARE, str(bare_port), str(folder / "bare")]
    role = [sys.executable, "-m", "addons", "--config", str(config)]
    try:
        with served(bare, bare_port) as used_by_bare, served(role, port) as used_by_role:
            used = {bare_port: used_by_bare, port: used_by_role}
            for _ in range(_ROUNDS):
                for number, (_, _, at, urls, status) in enumerate(workloads):
                    before = used[at]()
                    load = proxy_load.ask(at, urls, status, connections=_CONNECTIONS, duration_s=duration_s)
                    rounds[number].append((load, (used[at]() - before) / load.requests * 1e6))
    finally:
        origin.stop()
    rows: list[dict[str, object]] = []
    for (what, proxy, *_), loads in zip(workloads, rounds, strict=True):
        load, processor_us = sorted(loads)[_ROUNDS // 2]
        row = {"workload": what, "proxy": proxy, **load._asdict(), "processor_us_per_request": processor_us}
        rows.append(row)
    return rows


def decision_us(folder: Path) -> list[dict[str, object]]:
    """What the filter's hook costs a request, on the published list, without a network."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "state" / "metrics")
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(mode=0o700, exist_ok=True)
    from mitmproxy.connection import Server  # noqa: PLC0415 - the counters' folder must be known first
    from mitmproxy.http import Headers, Request  # noqa: PLC0415
    from mitmproxy.test import tflow  # noqa: PLC0415

    from addons.gate import open_gate  # noqa: PLC0415
    from addons.mitmproxy_addon import CopFilter  # noqa: PLC0415

    addon = CopFilter(open_gate(folder / "cop-filter.toml")[0])

    def timed(url: str, *, blocked: bool) -> float:
        flow = tflow.tflow(server_conn=Server(address=None))
        request = Request.make("GET", url, headers=Headers([(b"Host", url.split("/")[2].encode())]))

        def ask() -> None:
            flow.request, flow.response = request, None
            addon.requestheaders(flow)

        ask()
        if (flow.response is not None) is not blocked:
            raise RuntimeError("the hook decided wrongly")
        return _best_us(ask)

    allowed = timed("http://www.good.example/pages/1.html?x=1", blocked=False)
    blocked = timed("http://127.0.0.1/listed/1.html", blocked=True)
    return [
        {"workload": "allowed page", "proxy": "the hook alone", "decision_us": allowed},
        {"workload": "listed page", "proxy": "the hook alone", "decision_us": blocked},
    ]


def _best_us(call: Callable[[], None], repeats: int = 5, calls: int = 2_000) -> float:
    runs = []
    for _ in range(repeats):
        started = time.perf_counter()
        for _ in range(calls):
            call()
        runs.append((time.perf_counter() - started) / calls * 1e6)
    return statistics.median(runs)


def main() -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ends within two minutes")
    quick = parser.parse_args().quick
    domains, duration_s = (50_000, 4.0) if quick else (1_000_000, 12.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = throughput(folder, domains, duration_s)
        rows += decision_us(folder)
    results.save(
        "proxy",
        rows,
        quick=quick,
        listed_domains=domains,
        listed_pages=_PAGES,
        connections=_CONNECTIONS,
        rounds=_ROUNDS,
        round_s=duration_s,
        answer_bytes=2048,
    )


if __name__ == "__main__":
    main()
