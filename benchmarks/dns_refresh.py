"""A new list is published under load: what is lost, how long nothing is heard, when it is in force."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns_questions
from dns_cop_filter import Site
from dns_generator import Generator, latencies
from dns_peers import Running
from dns_questions import ORIGIN, SPLASH, Asked
from dns_server import Server, answers
from dns_throughput import NORMAL_PER_S

CHANGED_SHARE = 0.1
_SAMPLE_S = 0.02
_LOAD_S = 600.0
"""It is ended long before."""
_ANSWER_S = 1.0
_IN_FORCE_S = 60.0
_STALE_S = 10.0
"""A cached answer that is given for so long after the list came into force is stale: no time is told then."""
_AFTER_S = 2.0
"""The load goes on, for what a swap leaves to be done afterwards."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The list in force, the one to come, and a name that only the latter has."""

    before: Sequence[str]
    after: Sequence[str]
    new: str


def lists(names: Sequence[str]) -> Lists:
    """One in ten of `names` is another, as many as before; questions must spare the first tenth."""
    changed = round(len(names) * CHANGED_SHARE)
    fresh = [f"n{number:016}.example" for number in range(changed)]
    return Lists(names, [*fresh, *names[changed:]], f"www.{fresh[0]}")


@dataclass(slots=True)
class _Peak:
    """Looks at the server's memory many times a second."""

    server: Server
    mb: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.mb = max(self.mb, self.server.largest_rss_mb())

    def end(self) -> None:
        self._over.set()


@dataclass(frozen=True, slots=True)
class _InForce:
    """Monotonic times at which a listed name was first blocked: one asked for anew, one cached as allowed."""

    fresh: float | None
    cached: float | None


def _await_in_force(port: int, new: str) -> _InForce:
    began, number = time.monotonic(), 0
    fresh = cached = None
    while fresh is None or cached is None:
        now = time.monotonic()
        if now - began > _IN_FORCE_S or (fresh is not None and now - fresh > _STALE_S):
            break
        number += 1
        if fresh is None and answers(port, f"p{number}.{new}", SPLASH, wait_s=_ANSWER_S):
            fresh = time.monotonic()
        if cached is None and answers(port, new, SPLASH, wait_s=_ANSWER_S):
            cached = time.monotonic()
        time.sleep(_SAMPLE_S / 4)
    return _InForce(fresh, cached)


@dataclass(frozen=True, slots=True)
class Publishing:
    """`publish` returns the monotonic time at which the server could take the list; `new` is listed in it."""

    publish: Callable[[], float]
    way: str
    new: str


def under_load(generator: Generator, server: Server, asked: Asked, publishing: Publishing) -> dict[str, Any]:
    """Ask at the normal rate while it is published, and some time after it is in force."""
    load = generator.start(
        server.port,
        asked.cached,
        mode="open",
        rate=NORMAL_PER_S,
        seconds=_LOAD_S,
        also=asked.listed,
        also_share=0.5,
    )
    peak = _Peak(server)
    thread = threading.Thread(target=peak)
    thread.start()
    try:
        while not answers(server.port, publishing.new, ORIGIN, wait_s=_ANSWER_S):
            pass
        steady_mb = server.largest_rss_mb()
        began = time.monotonic()
        published = publishing.publish()
        in_force = _await_in_force(server.port, publishing.new)
        time.sleep(_AFTER_S)
    finally:
        peak.end()
        thread.join()
        load.stop()
    run = load.report()
    return {
        "measure": "refresh under load",
        **server.about,
        "workload": "20,000/s, half listed, half cached",
        "way": publishing.way,
        "publish_s": round(published - began, 2),
        "in_force_s": _after(published, in_force.fresh),
        "in_force_for_cached_s": _after(published, in_force.cached),
        "sent": run["sent"],
        "lost_queries": run["lost"],
        "lost_share": round(run["lost"] / max(run["sent"], 1), 4),
        "wrong_answers": run["wrong"] + run["truncated"],
        "longest_gap_ms": run["longest_gap_ms"],
        **latencies(run),
        "steady_rss_mb": steady_mb,
        "peak_rss_mb": peak.mb,
        "peak_of_steady": round(peak.mb / steady_mb, 2),
        "generator_limited": run["generator_limited"],
    }


def _after(published: float, in_force: float | None) -> float | None:
    return None if in_force is None else round(max(in_force - published, 0.0), 2)


def of_cop_filter(
    generator: Generator, site: Site, server: Server, asked: Asked, changed: Lists
) -> dict[str, Any]:
    """A process of its own compiles and publishes, as `cop-filter sync` does."""
    staged = site.stage(changed.after)

    def publish() -> float:
        with site.publishing(staged, generator.cores.load) as process:
            assert process.stdout is not None
            return float(process.stdout.readline())

    way = "compiled by a fresh process; workers see the pointer change"
    return under_load(generator, server, asked, Publishing(publish, way, changed.new))


def of_peer(generator: Generator, running: Running, asked: Asked, changed: Lists) -> dict[str, Any]:
    """The file is written before, renamed into place, and the peer told in its own way."""
    peer, listed = running.peer, running.site.listed
    if not peer.way:
        return {
            "measure": "refresh under load",
            **running.server.about,
            "way": "a restart; not measured",
        }
    staged = listed.with_suffix(".next")
    peer.write_list(staged, changed.after)

    def publish() -> float:
        staged.replace(listed)
        published = time.monotonic()
        peer.reload(running)
        return published

    return under_load(generator, running.server, asked, Publishing(publish, peer.way, changed.new))


def asked_throughout(folder: Path, changed: Lists, count: int) -> Asked:
    """Questions whose answers are the same before and after."""
    folder.mkdir()
    kept = changed.before[round(len(changed.before) * CHANGED_SHARE) :]
    return dns_questions.write(folder, kept, count)
