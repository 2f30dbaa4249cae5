"""Closed loop on every server in turn, again and again, and the echo in between; then 20,000 queries/s."""

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dns_generator import Generator, latencies
from dns_questions import Asked
from dns_server import Server

NORMAL_PER_S = 20_000
"""The load of a large ISP's resolver on an ordinary day."""
_ECHO = "UDP echo"

Row = dict[str, Any]


def measure(
    generator: Generator,
    servers: Sequence[Server],
    asked: Asked,
    *,
    title: str,
    rounds: int,
    seconds: float,
    open_loop: bool = True,
) -> list[Row]:
    """A row for each server and workload: medians of the rounds. Answers are checked first."""
    for server in servers:
        for questions in (asked.listed, asked.cached):
            generator.check(server.port, questions)
    runs: dict[tuple[str, int, str], list[Row]] = defaultdict(list)
    with generator.serving("echo", generator.cores.server) as echo_port:
        for number in range(rounds):
            _progress(f"{title}: round {number + 1} of {rounds}")
            for workload, (questions, drawn) in asked.workloads().items():
                options = drawn | {"mode": "closed", "seconds": seconds} | _seed(drawn, number)
                echo = generator.ask(echo_port, questions, expect="any", **options)
                echo |= latencies(echo) | {"share_of_echo": 1.0}
                if open_loop:
                    echo |= _at_normal_rate(generator, echo_port, questions, options | {"expect": "any"})
                runs[_ECHO, 0, workload].append(echo)
                for server in servers:
                    run = _run(generator, server, questions, options)
                    run["share_of_echo"] = run["queries_per_s"] / echo["queries_per_s"]
                    if open_loop and run["queries_per_s"] > NORMAL_PER_S:
                        run |= _at_normal_rate(generator, server.port, questions, options)
                    runs[server.program.name, server.program.names, workload].append(run)
    rows: list[Row] = []
    memory = {server.port: server.memory() for server in servers}
    for workload in asked.workloads():
        kind = {"measure": f"{title}: {workload}", "workload": workload, "transport": "udp"}
        rows.append({"server": _ECHO, **kind, **_medians(runs[_ECHO, 0, workload])})
        for server in servers:
            row: Row = server.about | {"workers": 1} | kind
            row |= _medians(runs[server.program.name, server.program.names, workload])
            rows.append(row | {"ready_s": server.ready_s} | memory[server.port]._asdict())
    return rows


def _run(generator: Generator, server: Server, questions: Path, options: Row) -> Row:
    before_s = server.cpu_s()
    run = generator.ask(server.port, questions, **options)
    run["cpu_us_per_query"] = (server.cpu_s() - before_s) * 1e6 / max(run["answered"], 1)
    return run | latencies(run)


def _at_normal_rate(generator: Generator, port: int, questions: Path, options: Row) -> Row:
    # Fresh labels of the closed loop are not fresh any more.
    seed = {"seed": options["seed"] + 500} if "unique_prefix" in options else {}
    options = options | {"mode": "open", "rate": NORMAL_PER_S} | seed
    run = generator.ask(port, questions, **options)
    return {"at_20k_latency_p99_ms": latencies(run)["latency_p99_ms"], "at_20k_lost_queries": run["lost"]}


def _seed(options: Row, number: int) -> Row:
    # Fresh labels of one round are not fresh in the next, unless the seed is another.
    return {"seed": 1000 + number} if "unique_prefix" in options else {}


def _medians(runs: Sequence[Row]) -> Row:
    def median(key: str, digits: int | None = None) -> float:
        return round(statistics.median(float(run[key]) for run in runs), digits)

    figures: Row = {
        "queries_per_s": median("queries_per_s"),
        "share_of_echo": median("share_of_echo", 3),
        **{key: round(median(key), 3) for key in latencies(runs[0])},
        "lost_queries": sum(run["lost"] for run in runs),
        "wrong_answers": sum(run["wrong"] + run["truncated"] for run in runs),
        "load_core_busy_share": median("load_core_busy_share", 2),
        "generator_limited": any(run["generator_limited"] for run in runs),
    }
    if "cpu_us_per_query" in runs[0]:
        figures["cpu_us_per_query"] = median("cpu_us_per_query", 2)
    if all("at_20k_lost_queries" in run for run in runs):
        figures["at_20k_latency_p99_ms"] = median("at_20k_latency_p99_ms", 3)
        figures["at_20k_lost_queries"] = sum(run["at_20k_lost_queries"] for run in runs)
    return figures


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
