"""Names never asked before, so every one goes to the upstream: how many a second, and how much later."""

from pathlib import Path
from typing import Any

from dns_generator import Generator, latencies
from dns_server import Server

_IN_FLIGHT = 512


def measure(
    generator: Generator, server: Server, upstream_port: int, missed: Path, seconds: float
) -> dict[str, Any]:
    """Closed loop at first, then half of that rate in open loop, against asking the upstream directly."""
    options = {"unique_prefix": True, "seconds": seconds}
    before_s = server.cpu_s()
    most = generator.ask(
        server.port, missed, mode="closed", in_flight=_IN_FLIGHT, sockets=16, seed=7001, **options
    )
    cpu_us = (server.cpu_s() - before_s) * 1e6 / max(most["answered"], 1)
    half = max(most["queries_per_s"] / 2, 100)
    through = generator.ask(server.port, missed, mode="open", rate=half, seed=7002, **options)
    direct = generator.ask(upstream_port, missed, mode="open", rate=half, seed=7003, **options)
    p99_ms = latencies(through)["latency_p99_ms"]
    return {
        "measure": "misses",
        **server.about,
        "workers": 1,
        "workload": "forwarded",
        "transport": "udp",
        "queries_per_s": round(most["queries_per_s"]),
        **latencies(most),
        "lost_queries": most["lost"],
        "wrong_answers": most["wrong"] + most["truncated"],
        "cpu_us_per_query": round(cpu_us, 2),
        "load_core_busy_share": most["load_core_busy_share"],
        "generator_limited": most["generator_limited"],
        "at_half_latency_p99_ms": p99_ms,
        "at_half_latency_p99_added_ms": round(p99_ms - latencies(direct)["latency_p99_ms"], 3),
        "at_half_lost_queries": through["lost"],
    }
