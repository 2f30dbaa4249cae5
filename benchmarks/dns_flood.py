"""A random-subdomain flood from one network against a slow upstream, beside everybody else's questions."""

from typing import Any

from dns_cop_filter import UNLIMITED, Site
from dns_generator import Asking, Generator, latencies
from dns_questions import Asked
from dns_throughput import NORMAL_PER_S

UPSTREAM_DELAY_MS = 1000
FLOOD_PER_S = 1_000_000
"""More than the generator can send: as fast as it goes."""
_FLOODING = "127.9.0.1,127.9.0.2,127.9.0.3,127.9.0.4"
_OTHERS = ",".join(f"127.{network}.0.1" for network in range(101, 117))
"""Clients of sixteen networks, each well under what a client network may ask by default."""
_LIMITS = {"unlimited": UNLIMITED, "default": ""}


def measure(generator: Generator, site: Site, asked: Asked, seconds: float) -> list[dict[str, Any]]:
    """What of the normal load is answered with the flood, and what without; with and without rate limits.

    The listed and cached questions of `asked` are few: every cached one waits for the slow upstream once.
    """
    rows = []
    core = generator.cores.load
    with generator.serving("upstream", core, delay_ms=UPSTREAM_DELAY_MS) as upstream_port:
        for limit, more in _LIMITS.items():
            with site.started(upstream_port, [generator.cores.server], more=more) as server:
                for questions in (asked.cached, asked.listed):
                    # From all networks: one alone would be over the default limit.
                    generator.check(server.port, questions, sources=_OTHERS, sockets=64)
                alone = _normal(generator, server.port, asked, seconds).report()
                flood = generator.start(
                    server.port,
                    asked.missed,
                    mode="open",
                    rate=FLOOD_PER_S,
                    seconds=seconds,
                    sources=_FLOODING,
                    sockets=32,
                    unique_prefix=True,
                )
                beside = _normal(generator, server.port, asked, seconds).report()
                flooded = flood.report()
                memory = server.memory()
                rows.append(
                    {
                        "measure": "flood",
                        **server.about,
                        "workload": f"rate limit {limit}",
                        "queries_per_s": round(beside["queries_per_s"]),
                        "answered_share_alone": _share(alone),
                        "answered_share_with_flood": _share(beside),
                        "of_normal_rate": round(beside["queries_per_s"] / alone["queries_per_s"], 3),
                        **latencies(beside),
                        "alone_latency_p99_ms": latencies(alone)["latency_p99_ms"],
                        "lost_queries": beside["lost"],
                        "wrong_answers": beside["wrong"] + beside["truncated"],
                        "flood_per_s": round(flooded["sent"] / flooded["seconds"]),
                        "load_core_busy_share": beside["load_core_busy_share"],
                        "generator_limited": beside["generator_limited"],
                        "rss_mb": memory.rss_mb,
                    }
                )
    return rows


def _normal(generator: Generator, port: int, asked: Asked, seconds: float) -> Asking:
    options = {"also": asked.listed, "also_share": 0.5, "zipf": 0.0, "sources": _OTHERS, "sockets": 32}
    return generator.start(port, asked.cached, mode="open", rate=NORMAL_PER_S, seconds=seconds, **options)


def _share(run: dict[str, Any]) -> float:
    return round(float(run["answered"] / max(run["sent"], 1)), 4)
