"""Lookup throughput of the engine beside its peers, and what compiling and opening an index takes.

Answers are checked before anything is timed. Each figure is the median of several rounds, all on one
core; peers answer the same questions over the same list in the same run. Every matcher runs in a
process of its own, so that its memory can be told from the others'.
"""

import argparse
import gc
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import adblock
import ahocorasick
import ahocorasick_rs
import can_ada
import corpus
import results
from corpus import Corpus
from published import publish

import cop_filter.config
from cop_filter import compiler, formats
from cop_filter.config import Config
from cop_filter.engine import Engine
from cop_filter.errors import InvalidUrl
from cop_filter.index import Builder, open_index
from cop_filter.loader import load_snapshot
from cop_filter.store import Store
from cop_filter.verdict import Action, Verdict

SHARES = (0.0, 0.001, 0.1, 1.0)
ASKED = 200_000
KEY = bytes(32)

Ask = Callable[[Sequence[str]], int | list[Verdict | InvalidUrl]]
"""Asks each question of a list; the number of those that were blocked, or all verdicts."""


# ---------------------------------------------------------------- what is compared


def cop_filter_engine(state_dir: Path, what: str) -> Ask:
    """The engine over a published generation; `what` is one of its four calls."""
    store = Store(state_dir)
    engine = Engine(load_snapshot(store, store.current() or 0))
    call = getattr(engine, what)
    if what.endswith("s"):
        ask_all: Ask = call
        return ask_all

    def ask(words: Sequence[str]) -> int:
        blocked = 0
        for word in words:
            if call(word).action is Action.BLOCK:
                blocked += 1
        return blocked

    return ask


def host_suffixes(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def set_behind_can_ada(listed: Corpus) -> Ask:
    """Python sets behind a WHATWG parser written in C++ (can-ada)."""
    domains, pages = set(listed.domains), set(listed.urls)

    def ask(urls: Sequence[str]) -> int:
        blocked = 0
        for text in urls:
            url = can_ada.parse(text)
            host = url.hostname
            if host + url.pathname + url.search in pages or not domains.isdisjoint(host_suffixes(host)):
                blocked += 1
        return blocked

    return ask


def pyahocorasick_alone(listed: Corpus) -> Ask:
    """One automaton over all entries; a hit counts where it stands at a boundary."""
    automaton = ahocorasick.Automaton()
    for entry in (*listed.domains, *listed.urls):
        automaton.add_word(entry, entry)
    automaton.make_automaton()

    def ask(urls: Sequence[str]) -> int:
        return sum(
            any(at_boundary(url, end + 1, entry) for end, entry in automaton.iter(url)) for url in urls
        )

    return ask


def ahocorasick_rs_alone(listed: Corpus) -> Ask:
    """The same with the automaton written in Rust."""
    entries = [*listed.domains, *listed.urls]
    automaton = ahocorasick_rs.AhoCorasick(entries, store_patterns=False)

    def ask(urls: Sequence[str]) -> int:
        return sum(
            any(
                at_boundary(url, end, entries[number])
                for number, _, end in automaton.find_matches_as_indexes(url, overlapping=True)
            )
            for url in urls
        )

    return ask


def at_boundary(url: str, end: int, entry: str) -> bool:
    """Whether a match is a whole host suffix, or the whole rest of the URL."""
    before = url[end - len(entry) - 1]
    if "/" in entry:
        return before == "/" and end == len(url)
    return before in "/." and (end == len(url) or url[end] == "/")


def adblock_engine(listed: Corpus) -> Ask:
    """A blocklist matcher from PyPI (adblock, the engine of the Brave browser)."""
    filters = adblock.FilterSet()
    filters.add_filters([f"||{name}^" for name in listed.domains] + [f"||{url}|" for url in listed.urls])
    engine = adblock.Engine(filters, optimize=True)

    def ask(urls: Sequence[str]) -> int:
        return sum(
            engine.check_network_urls(url, "https://source.example/", "script").matched for url in urls
        )

    return ask


# ---------------------------------------------------------------- measuring


def is_block(verdict: Verdict | InvalidUrl) -> bool:
    return isinstance(verdict, Verdict) and verdict.action is Action.BLOCK


def rss_mib() -> float:
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(
    name: str, make: Callable[[], Ask], asked: Sequence[tuple[float, list[str], int]], rounds: int
) -> list[Any]:
    """Make a matcher; check and time it on each list of questions: (MiB, seconds to make, rates)."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    gc.collect()
    before = rss_mib()
    started = time.perf_counter()
    ask = make()
    took = time.perf_counter() - started
    rates = []
    for share, words, expected in asked:
        answers = ask(words)
        blocked = answers if isinstance(answers, int) else sum(map(is_block, answers))
        del answers
        if blocked != expected:
            raise SystemExit(f"{name} blocks {blocked} of {len(words)}, expected {expected}")
        seconds = []
        for _ in range(rounds):
            gc.collect()
            gc.disable()
            started = time.perf_counter()
            ask(words)
            seconds.append(time.perf_counter() - started)
            gc.enable()
        rates.append((share, len(words) / statistics.median(seconds)))
    return [rss_mib() - before, took, rates]


def in_own_process(name: str, make: Callable[[], Ask], asked: Any, rounds: int) -> list[Any]:  # noqa: ANN401 - see measure
    # Forked: the list and the questions are shared and not counted, only what the matcher adds.
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(measure, (name, make, asked, rounds))


def rows_for(name: str, question: str, measured: list[Any]) -> list[dict[str, Any]]:
    mib, took, rates = measured
    return [
        {
            "matcher": name,
            "question": question,
            "listed_share": share,
            "lookups_per_s": round(rate),
            "memory_mib": round(mib, 1),
            "made_in_s": round(took, 2),
        }
        for share, rate in rates
    ]


# ---------------------------------------------------------------- compiling


def publish_bytes(config: Config, body: bytes) -> None:
    with compiler.draft(Store(config.state_dir), config) as draft:
        for chunk in formats.parse({"": body}, format="plain"):
            draft.replace("national", chunk.entries)
        draft.publish({"national": "digest"})


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compiling(listed: Corpus, rounds: int) -> list[dict[str, Any]]:
    """Plain lines from bytes to a published generation, compiling alone, size and opening time."""
    lines = [*listed.domains, *(f"http://{url}" for url in listed.urls)]
    body = "\n".join(lines).encode()
    whole, compile_alone, opened = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = cop_filter.config.load(publish(Path(folder) / "cop-filter.toml", "", []))
            whole.append(seconds(partial(publish_bytes, config, body)))
            entries = [chunk.entries for chunk in formats.parse({"": body}, format="plain")]
            path = Path(folder) / "alone"
            compile_alone.append(seconds(partial(compile_index, entries, path)))
            del entries
            opened += [seconds(partial(open_index, str(path), KEY)) for _ in range(5)]
            size = path.stat().st_size
    return [
        {
            "step": "plain lines to a published generation",
            "entries": len(lines),
            "seconds": round(statistics.median(whole), 2),
        },
        {
            "step": "compiling alone: entries to a synced index file",
            "entries": len(lines),
            "seconds": round(statistics.median(compile_alone), 2),
        },
        {
            "step": "opening and verifying the index",
            "entries": len(lines),
            "milliseconds": round(1000 * statistics.median(opened), 2),
            "bytes_per_entry": round(size / len(lines), 2),
        },
    ]


def compile_index(chunks: Sequence[Any], path: Path) -> None:
    builder = Builder(KEY)
    for entries in chunks:
        builder.add(0, entries)
    builder.settle(1)
    builder.write(str(path))


# ---------------------------------------------------------------- the run


def lookups(listed: Corpus, rounds: int, *, peers: bool) -> list[dict[str, Any]]:
    hosts = [(share, corpus.hosts_asked(listed, ASKED, share)) for share in SHARES]
    urls = [(share, corpus.urls_asked(listed, ASKED, share)) for share in SHARES]
    domains, pages = set(listed.domains), set(listed.urls)
    hosts_expected = [
        (share, words, sum(not domains.isdisjoint(host_suffixes(word)) for word in words))
        for share, words in hosts
    ]
    urls_expected = [
        (share, words, sum(word.split("://")[1] in pages for word in words)) for share, words in urls
    ]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page_lines = map("http://{}".format, listed.urls)
        publish(Path(folder) / "cop-filter.toml", "", chain(listed.domains, page_lines))
        for what, question, asked in (
            ("decide_host", "host, single calls", hosts_expected),
            ("decide_hosts", "host, batch", hosts_expected),
            ("decide_url", "raw URL, single calls", urls_expected),
            ("decide_urls", "raw URL, batch", urls_expected),
        ):
            make = partial(cop_filter_engine, Path(folder) / "state", what)
            rows += rows_for("cop-filter", question, in_own_process(question, make, asked, rounds))
    if not peers:
        return rows
    for name, peer, slow in (
        ("Python sets behind can-ada", set_behind_can_ada, 1),
        ("pyahocorasick", pyahocorasick_alone, 10),
        ("ahocorasick-rs", ahocorasick_rs_alone, 10),
        ("adblock", adblock_engine, 20),
    ):
        asked = [(share, words[: len(words) // slow]) for share, words in urls]
        expected = [
            (share, words, sum(word.split("://")[1] in pages for word in words)) for share, words in asked
        ]
        rows += rows_for(
            name, "raw URL, single calls", in_own_process(name, partial(peer, listed), expected, rounds)
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the list, fewer rounds, no 10M run")
    quick = parser.parse_args().quick
    scale, rounds = (10, 3) if quick else (1, 5)
    listed = corpus.listed(1_000_000 // scale, 100_000 // scale)
    rows = lookups(listed, rounds, peers=True)
    steps = compiling(listed, rounds)
    if not quick:
        large = corpus.listed(9_000_000, 1_000_000)
        steps += compiling(large, 1)
        rows += [{**row, "matcher": "cop-filter, 10M entries"} for row in lookups(large, 3, peers=False)]
    results.save(
        "lookup",
        rows,
        seed=corpus.SEED,
        domains=len(listed.domains),
        urls=len(listed.urls),
        rounds=rounds,
        compiling=steps,
        false_match_probability="n records, m probes: n*m/2^128; 10M records and 40 probes: 1.2e-30",
    )
    for step in steps:
        print(" ".join(f"{key}={value}" for key, value in step.items()))


if __name__ == "__main__":
    sys.exit(main())
