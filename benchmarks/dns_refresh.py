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
from dns_questions import SPLASH, Asked
from dns_server import Server, answers
from dns_throughput import NORMAL_PER_S

CHANGED_SHARE = 0.1
_SAMPLE_S = 0.02
_IN_FORCE_S = 120.0
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
class _Watch:
    """Looks at the server's memory, and whether a name is listed yet."""

    server: Server
    name: str
    peak_mb: float = 0.0
    in_force_at: float | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __call__(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.peak_mb = max(self.peak_mb, self.server.largest_rss_mb())
            if self.in_force_at is None and answers(self.server.port, self.name, SPLASH, wait_s=_SAMPLE_S):
                self.in_force_at = time.monotonic()

    def end(self) -> None:
        self._over.set()


@dataclass(frozen=True, slots=True)
class Publishing:
    """`publish` returns the monotonic time at which the server could take the list; `new` is listed in it."""

    publish: Callable[[], float]
    way: str
    new: str


def under_load(generator: Generator, server: Server, asked: Asked, publishing: Publishing) -> dict[str, Any]:
    """Ask at the normal rate while it is published, and some time after it is in force."""
    steady_mb = server.largest_rss_mb()
    load = generator.start(
        server.port,
        asked.cached,
        mode="open",
        rate=NORMAL_PER_S,
        seconds=_IN_FORCE_S + 60,
        also=asked.listed,
        also_share=0.5,
    )
    watch = _Watch(server, publishing.new)
    thread = threading.Thread(target=watch)
    thread.start()
    began = time.monotonic()
    published = publishing.publish()
    while watch.in_force_at is None and time.monotonic() - published < _IN_FORCE_S:
        time.sleep(_SAMPLE_S)
    time.sleep(_AFTER_S)
    watch.end()
    thread.join()
    load.stop()
    run = load.report()
    in_force = watch.in_force_at
    return {
        "measure": "refresh under load",
        **server.about,
        "workload": "20,000/s, half listed, half cached",
        "way": publishing.way,
        "publish_s": round(published - began, 2),
        "in_force_s": None if in_force is None else round(max(in_force - published, 0.0), 2),
        "sent": run["sent"],
        "lost_queries": run["lost"],
        "lost_share": round(run["lost"] / max(run["sent"], 1), 4),
        "wrong_answers": run["wrong"] + run["truncated"],
        "longest_gap_ms": run["longest_gap_ms"],
        **latencies(run),
        "steady_rss_mb": steady_mb,
        "peak_rss_mb": watch.peak_mb,
        "peak_of_steady": round(watch.peak_mb / steady_mb, 2),
        "generator_limited": run["generator_limited"],
    }


def of_cop_filter(
    generator: Generator, site: Site, server: Server, asked: Asked, changed: Lists
) -> dict[str, Any]:
    """A process of its own compiles and publishes, as `cop-filter sync` does."""
    staged = site.stage(changed.after)

    def publish() -> float:
        with site.publishing(staged, generator.cores.load) as process:
            printed, _ = process.communicate()
        return float(printed)

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
