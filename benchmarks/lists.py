"""From an authority's publish to enforcement: `python benchmarks/lists.py [--quick]`.

An authority signs a list of a million entries and publishes it into a folder that a web server shows;
`cop-filter sync --watch` is told by its webhook; an enforcer follows the state folder as every role does.
All of them are processes of their own on loopback. Time counts from the push (for the first load from the
start of the process) until the enforcer blocks an entry that came, and no longer one that went. Guards are
as they are by default. The peer does the same in the simplest way there is, without proof or guard.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import corpus
import lists_peer
import results
from lists_authority import Authority, serving
from lists_corpus import Versions
from lists_sync import Enforcer, Sync, syncing

Row = dict[str, Any]
_CHECKED = 2000


class Change(NamedTuple):
    """`count` entries are replaced; `whole_only`: the authority's server does not show what changed."""

    name: str
    count: int
    whole_only: bool


def main() -> None:
    """Run it, and save `results/lists.json`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the list, each change once")
    parser.add_argument("--rounds", type=int, help="how often each change is made (5; quick: 1)")
    options = parser.parse_args()
    quick: bool = options.quick
    entries, rounds = (100_000, options.rounds or 1) if quick else (1_000_000, options.rounds or 5)
    tenth, few = entries // 10, 1000
    changes = (
        Change("a tenth replaced, fetched as a change", tenth, whole_only=False),
        Change("a tenth replaced, fetched as a whole list", tenth, whole_only=True),
        Change("1,000 replaced, fetched as a change", few, whole_only=False),
    )
    versions = Versions(entries, rounds * sum(change.count for change in changes))
    with tempfile.TemporaryDirectory() as temporary:
        rows = measure(Path(temporary), versions, changes, rounds)
    results.save(
        "lists",
        rows,
        by="measure",
        seed=corpus.SEED,
        entries=entries,
        rounds=rounds,
        quick=quick,
        peak_rss_mb="VmHWM of the process, what is mapped included; the largest of all rounds",
        phases="of the sync process, medians; what is left of in_force_s is the push, the poll and the swap",
    )


def measure(folder: Path, versions: Versions, changes: Sequence[Change], rounds: int) -> list[Row]:
    """The first load, then each change `rounds` times; how long each took, and by phase."""
    authority = Authority(folder / "authority")
    authority.publish(versions.lines)
    measured: dict[str, list[Row]] = {}
    with serving(authority.www) as port, (folder / "sync.log").open("w+", encoding="utf-8") as log:
        began = time.monotonic()
        with syncing(folder, authority.public_key, port, log) as sync:
            refresh = Refresh(sync, authority, versions)
            try:
                measured["first load, from the start of the process"] = [refresh.first(began)]
                for change in changes:
                    measured[change.name] = [refresh.once(change) for _ in range(rounds)]
            except (RuntimeError, TimeoutError):
                log.seek(0)
                sys.stderr.write(log.read())
                raise
    peer = [lists_peer.measure(authority.www) for _ in range(rounds)]
    rows = {name: median(each) for name, each in (*measured.items(), (lists_peer.NAME, peer))}
    phases = dict.fromkeys(phase for row in rows.values() for phase in row.get("phases", {}))
    return [
        *(
            {"measure": "in force", "refresh": name, **{key: row[key] for key in row if key != "phases"}}
            for name, row in rows.items()
        ),
        *(
            {
                "measure": "seconds by phase",
                "phase": phase,
                **{
                    f"{name} (s)": row["phases"].get(phase, 0.0)
                    for name, row in rows.items()
                    if "phases" in row
                },
            }
            for phase in phases
        ),
    ]


class Refresh:
    """Publishes a change, pushes, and waits until it is enforced."""

    def __init__(self, sync: Sync, authority: Authority, versions: Versions) -> None:
        self._sync, self._authority, self._versions = sync, authority, versions
        self._enforcer = Enforcer(sync)

    def first(self, began: float) -> Row:
        """From the start of the process until the list is in force."""
        host = next(line for line in self._versions.lines if "/" not in line)
        in_force = self._enforcer.await_change(host, None)
        row = self._row(in_force - began, 0.0)
        self._check((), ())
        return row

    def once(self, change: Change) -> Row:
        """From the push until the change is in force."""
        revision = self._versions.revise(change.count)
        self._authority.publish(revision.come, revision.go, whole_only=change.whole_only)
        self._sync.forget_peak()
        cpu_s, began = self._sync.cpu_s(), time.monotonic()
        self._sync.push()
        in_force = self._enforcer.await_change(revision.new, revision.gone)
        row = self._row(in_force - began, cpu_s)
        self._check(revision.come, revision.go)
        return row

    def _check(self, come: Sequence[str], gone: Sequence[str]) -> None:
        """Raise RuntimeError unless some of the list, and only that, is blocked."""
        blocked, spared = (
            [line for line in lines if "/" not in line]
            for lines in ((*come[:_CHECKED], *self._versions.lines[:_CHECKED]), gone[:_CHECKED])
        )
        if not all(map(self._enforcer.blocks, blocked)) or any(map(self._enforcer.blocks, spared)):
            raise RuntimeError("what is enforced is not what was published")

    def _row(self, in_force_s: float, cpu_before_s: float) -> Row:
        told = self._sync.refreshed()
        return {
            "in_force_s": in_force_s,
            "refresh_s": told["ended"] - told["began"],
            "cpu_s": self._sync.cpu_s() - cpu_before_s,
            "peak_rss_mb": self._sync.peak_rss_mb(),
            "phases": told["phases"],
        }


def median(measured: Sequence[Row]) -> Row:
    """One row of several: medians, and the largest peak of memory."""
    figures = [key for key in measured[0] if key != "phases"]
    row: Row = {key: round(statistics.median(each[key] for each in measured), 3) for key in figures}
    row["slowest_s"] = round(max(each["in_force_s"] for each in measured), 3)
    row["peak_rss_mb"] = max(each["peak_rss_mb"] for each in measured)
    if "phases" in measured[0]:
        row["phases"] = {
            phase: statistics.median(each["phases"].get(phase, 0.0) for each in measured)
            for phase in dict.fromkeys(phase for each in measured for phase in each["phases"])
        }
    return row


if __name__ == "__main__":
    main()
