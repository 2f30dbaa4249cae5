"""Two workers against one: by rate where there are cores for it, by processor time per query anywhere."""

from pathlib import Path
from typing import Any

from dns_cop_filter import Site
from dns_generator import Generator
from dns_questions import Asked
from dns_server import Server

_SOCKETS = 64
"""Many source ports: the kernel spreads them over the workers."""


def measure(
    generator: Generator, site: Site, upstream_port: int, asked: Asked, *, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Rows for one and two workers, on the same cores for both."""
    cores = generator.cores
    # Each worker and each generator has a core; else all workers share one, and time is what is compared.
    spread = len(cores.spare) >= 2
    serving = [cores.server, cores.spare[0]] if spread else [cores.server]
    loading = [cores.load, cores.spare[1]] if spread else [cores.load]
    rows: list[dict[str, Any]] = []
    with (
        site.started(upstream_port, serving, workers=1) as one,
        site.started(upstream_port, serving, workers=2) as two,
    ):
        servers = {1: one, 2: two}
        for server in servers.values():
            generator.check(server.port, asked.listed)
            generator.check(server.port, asked.cached, sockets=8, each_socket=True)
        for workload, questions in (("listed", asked.listed), ("cached", asked.cached)):
            best: dict[int, dict[str, Any]] = {}
            for _ in range(rounds):
                for workers, server in servers.items():
                    run = _run(generator, server, questions, loading, seconds)
                    if workers not in best or run["queries_per_s"] > best[workers]["queries_per_s"]:
                        best[workers] = run
            for workers, run in best.items():
                about = {
                    "measure": "workers",
                    **servers[workers].about,
                    "workload": workload,
                    "workers": workers,
                    "serving_cores": len(serving),
                }
                rows.append(about | run | {"times_one_worker": _times(best[1], run, workers, spread=spread)})
    return rows


def _times(one: dict[str, Any], run: dict[str, Any], workers: int, *, spread: bool) -> float:
    if spread:
        return round(float(run["queries_per_s"] / one["queries_per_s"]), 2)
    return round(float(workers * one["cpu_us_per_query"] / run["cpu_us_per_query"]), 2)


def _run(
    generator: Generator, server: Server, questions: Path, loading: list[int], seconds: float
) -> dict[str, Any]:
    before_s = server.cpu_s()
    loads = [
        generator.start(
            server.port,
            questions,
            mode="closed",
            seconds=seconds,
            sockets=_SOCKETS,
            in_flight=2 * _SOCKETS,
            core=core,
        )
        for core in loading
    ]
    runs = [load.report() for load in loads]
    answered = sum(run["answered"] for run in runs)
    return {
        "queries_per_s": round(sum(run["queries_per_s"] for run in runs)),
        "lost_queries": sum(run["lost"] for run in runs),
        "wrong_answers": sum(run["wrong"] + run["truncated"] for run in runs),
        "cpu_us_per_query": round((server.cpu_s() - before_s) * 1e6 / max(answered, 1), 2),
        "generator_limited": any(run["generator_limited"] for run in runs),
    }
