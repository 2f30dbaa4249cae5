"""Throughput of the DNS resolver: `python benchmarks/dns.py [--quick]`.

The role runs as in production (`python -m dns_resolver`, real sockets, counters on) on a generated
list; beside it, in the same run, the peer of `dns_peer.py`. Answers are checked before anything is timed,
and while it is. Server and load share the machine: with few cores they take from each other.
"""

import argparse
import contextlib
import multiprocessing
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns_load
import results
from dns_load import Question
from published import free_port, publish

SEED = 20_240_501
SPLASH, ORIGIN = bytes([192, 0, 2, 80]), bytes([192, 0, 2, 1])
_DISTINCT = 2_000
"""Names asked in turn; the cached ones among them fit the cache many times over."""

_ROLES = """
[dns]
listen = ["127.0.0.1:{port}"]
upstreams = ["127.0.0.1:{upstream_port}"]
clients = ["127.0.0.0/8"]
workers = {workers}
[splash]
listen = "127.0.0.1:{splash_port}"
addresses = ["192.0.2.80"]
"""


class Upstream:
    """Answers every name with one address, in a process of its own, at the least cost."""

    def __init__(self) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        self.port: int = sock.getsockname()[1]
        self._process = multiprocessing.get_context("fork").Process(target=_answer, args=(sock,), daemon=True)
        self._process.start()
        sock.close()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()


def _answer(sock: socket.socket) -> None:
    record = b"\xc0\x0c\0\1\0\1\0\0\x0e\x10\0\4" + ORIGIN
    while True:
        query, client = sock.recvfrom(4096)
        question_end = query.index(b"\0", 12) + 5
        header = query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0"
        sock.sendto(header + query[12:question_end] + record, client)


@contextlib.contextmanager
def served(command: list[str], port: int, first: Question) -> Iterator[int]:
    """A server process that answers; ended afterwards."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        for _ in range(60):
            with contextlib.suppress(dns_load.WrongAnswerError, ConnectionRefusedError):
                dns_load.check(port, [first])
                break
            if process.poll() is not None:
                raise RuntimeError("the server ended before it answered")
            time.sleep(0.25)
        else:
            raise RuntimeError("the server does not answer")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def resolver(folder: Path, names: list[str], workers: int, upstream: Upstream) -> tuple[list[str], int]:
    """Publish the list once; the command that serves it, and its port."""
    port = free_port()
    roles = _ROLES.format(port=port, upstream_port=upstream.port, workers=workers, splash_port=free_port())
    path = publish(folder / f"cop-filter-{workers}.toml", roles, names)
    return [sys.executable, "-m", "dns_resolver", "--config", str(path)], port


def workloads(names: list[str], rng: random.Random) -> dict[str, list[Question]]:
    """What is asked, by name of the workload."""
    listed = [Question(f"www.{name}", SPLASH) for name in rng.sample(names, _DISTINCT)]
    cached = [Question(f"host{number}.allowed.example", ORIGIN) for number in range(_DISTINCT)]
    mixed = [*listed[: _DISTINCT // 100], *cached]
    rng.shuffle(mixed)
    return {"listed": listed, "cached": cached, "mixed, 1% listed": mixed}


def measure(
    port: int, asked: dict[str, list[Question]], seconds: float, **about: object
) -> list[dict[str, Any]]:
    """Rows for every workload by both generators."""
    rows: list[dict[str, Any]] = []
    for workload, questions in asked.items():
        dns_load.check(port, questions[:500])
        if workload == "cached":
            dns_load.warm(port, questions)
        about["workload"] = workload
        rows.append(row(dns_load.run(port, questions, seconds), **about))
        for transport in ("udp", "tcp"):
            if transport == "udp" or about["server"] == "cop-filter":
                by_dnsperf = dns_load.dnsperf(port, questions, seconds, transport=transport)
                if by_dnsperf is not None:
                    rows.append(row(by_dnsperf, **about, transport=transport, generator="dnsperf"))
    return rows


def row(
    load: dns_load.Load, *, transport: str = "udp", generator: str = "python", **about: object
) -> dict[str, Any]:
    """One line of the table."""
    return {
        **about,
        "transport": transport,
        "generator": generator,
        "queries_per_s": round(load.queries_per_s),
        "latency_p50_ms": load.p50_ms,
        "latency_p99_ms": load.p99_ms,
        "latency_mean_ms": load.mean_ms,
        "lost_queries": load.lost,
    }


def main() -> None:
    """Run everything and save `results/dns.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller list and shorter runs")
    quick = parser.parse_args().quick
    entries, seconds = (50_000, 1.0) if quick else (1_000_000, 5.0)
    rng = random.Random(SEED)
    names = [f"{rng.getrandbits(40):x}-{number}.example" for number in range(entries)]
    asked = workloads(names, rng)
    first = Question(names[0], SPLASH)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        upstream = Upstream()
        for workers in (1, 2):
            command, port = resolver(folder, names, workers, upstream)
            with served(command, port, first):
                about = {"server": "cop-filter", "workers": workers}
                rows += measure(port, asked, seconds, **about)
                fresh = [Question(f"new{n}.w{workers}.allowed.example", ORIGIN) for n in range(60_000)]
                rows.append(row(dns_load.run(port, fresh, seconds), **about, workload="forwarded"))
        upstream.stop()
        listed = folder / "names.txt"
        listed.write_text("\n".join(names), encoding="utf-8")
        port = free_port()
        script = Path(__file__).with_name("dns_peer.py")
        with served([sys.executable, str(script), "--port", str(port), "--names", str(listed)], port, first):
            rows += measure(port, asked, seconds, server="asyncio + dnslib + set", workers=1)
    results.save("dns", rows, seed=SEED, listed_domains=entries, seconds_per_row=seconds, quick=quick)


if __name__ == "__main__":
    main()
