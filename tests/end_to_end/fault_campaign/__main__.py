"""What goes wrong while lists are refreshed, by seed: killed at any point, full and read-only disks, clocks
that jump, damaged files, hostile servers, and any two of these at once.

`python fault_campaign FOLDER FIRST COUNT` runs seeds FIRST..FIRST+COUNT-1 below FOLDER, as root, and prints
one line of JSON for each. A run is one state folder on a small disk of its own, and some rounds. In each
round a new version is offered while something goes wrong; then the fault is taken away and the next
version must come into force. Sometimes versions go on trial before that, and sometimes one waits in
quarantine. Throughout:

- who enforces already, and who starts afresh, has one whole version of each list, and never nothing;
- what was planted in the entries stands in no file, and in nothing that was said;
- the audit log is true, or it is told that it was damaged, and a new one can be begun.

It is a program of its own because it forks: one thread, no event loop, everything imported beforehand.
"""

import contextlib
import json
import random
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import signed
from children import end, ended, fork, refresh
from faults import FAULTS
from server import serve_for_ever
from stage import PLANTED, Stage, questions

from cop_filter.audit import Audit, verify
from cop_filter.config import Config, ListConfig, NeverBlockConfig, OperatorConfig, RolloutConfig
from cop_filter.engine import Engine
from cop_filter.errors import AuditBroken, CopFilterError, SignatureRefused, StateError
from cop_filter.loader import Watcher, open_engine
from cop_filter.store import KEEP_GENERATIONS, Store
from cop_filter.verdict import LegalBasis

DISK = "12m"
SOAK_S = 0.05
QUARANTINED_SHARE = 0.3
MOST_WAITING = 2
"""How many generations may be on trial."""


def in_force(engine: Engine, stage: Stage, list_id: str) -> int:
    """The one version of a list that is enforced, wholly; AssertionError when it is none or a mixture."""
    for number in range(stage.offered[list_id], 0, -1):
        if all(verdict.stops for verdict in engine.decide_urls(questions(list_id, number))):
            others = {
                question
                for other in range(1, stage.offered[list_id] + 1)
                for question in questions(list_id, other)
            } - set(questions(list_id, number))
            assert not any(verdict.stops for verdict in engine.decide_urls(sorted(others))), "a mixture"
            return number
    raise AssertionError(f"no whole version of {list_id} is in force")


def leaks(stage: Stage) -> list[str]:
    """Files, and what was said, that hold a planted text."""
    places = [path for path in stage.state.rglob("*") if path.is_file()] + [stage.folder / "said"]
    return [path.name for path in places if PLANTED.encode() in path.read_bytes()]


def one_run(folder: Path, url: str, seed: int, met: list[str]) -> None:
    chance = random.Random(seed)
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(disk)], check=True)
    try:
        config = configuration(folder, url, chance.choice([0.0, 0.0, SOAK_S]))
        met += ["soak"] * bool(config.rollout.soak_s)
        Run(Stage(folder, config, chance, dict.fromkeys(("remote", "local", signed.NAME), 0))).rounds(met)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def configuration(folder: Path, url: str, soak_s: float) -> Config:
    def a_list(list_id: str, source: str, **more: Any) -> ListConfig:
        return ListConfig(
            list_id, source, "Example Hotline", "csam", LegalBasis.ORDER,
            format="plain", timeout_s=30.0, retries=0, max_bytes=1 << 18, free_change=10,
            max_churn=4.0,  # who missed some versions finds no entry in common
            **more,
        )  # fmt: skip

    return Config(
        folder / "disk" / "state",
        OperatorConfig("Example Net", "Officer", "https://isp.example/", "https://help.example/"),
        (
            a_list("remote", f"{url}/list"),
            a_list("local", (folder / "local.txt").as_uri()),
            a_list(signed.NAME, f"signed+{url}/{signed.NAME}/", keys=(signed.KEY.public,)),
        ),
        never_block=NeverBlockConfig(builtin=False),  # thousands of names, read anew by every refresh
        rollout=RolloutConfig(soak_s=soak_s),
    )


class Run:
    """One run: its stage, and two who enforce throughout, one of them what is on trial."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store = Store(stage.state)
        # So often that what lies on disk was all made when all lists had been there: each makes a generation.
        lists = len(stage.offered)
        for _ in range(-(-(KEEP_GENERATIONS + lists - 1) // lists)):
            stage.offer()
            self.refreshed()
        for list_id, number in stage.offered.items():
            assert in_force(open_engine(self.store), stage, list_id) == number, f"{list_id} did not begin"
        self.watchers = []
        for canary in (False, True):
            engine = open_engine(self.store, canary=canary)
            self.watchers.append((engine, Watcher(self.store, engine, canary=canary)))

    def rounds(self, met: list[str]) -> None:
        """Some rounds; what went wrong in them is noted in `met`."""
        stage = self.stage
        if stage.chance.random() < QUARANTINED_SHARE:
            stage.say(remote="one entry left")
            refresh(stage)
        for _ in range(stage.chance.choice([1, 2])):
            # In the order of FAULTS: what damages files needs a disk that can still be written to.
            chosen = stage.chance.sample(list(FAULTS), k=stage.chance.choice([1, 1, 2]))
            names = [name for name in FAULTS if name in chosen]
            met.append("+".join(names))
            self.go_wrong(names)
            self.be_well()
            self.audit("damaged_file" in names)
            assert not leaks(stage), f"entry text in {leaks(stage)}"

    def refreshed(self) -> None:
        """Refresh until nothing is on trial any more."""
        refresh(self.stage)
        for _ in range(MOST_WAITING):
            if self.store.trial() is not None:
                select.select([], [], [], SOAK_S)
                refresh(self.stage)

    def go_wrong(self, faults: list[str]) -> None:
        stage = self.stage
        stage.offer()
        with contextlib.ExitStack() as wrong:
            firsts = [wrong.enter_context(FAULTS[name](stage)) for name in faults]
            refresh(stage, firsts)
            for engine, watcher in self.watchers:
                watcher.check()
                for list_id in stage.offered:
                    in_force(engine, stage, list_id)
            started_afresh(stage, faults)

    def be_well(self) -> None:
        stage = self.stage
        stage.offer()
        self.refreshed()
        for engine, watcher in self.watchers:
            watcher.check()
            for one in (engine, open_engine(self.store)):
                for list_id, number in stage.offered.items():
                    assert in_force(one, stage, list_id) == number, f"{list_id} is not refreshed"

    def audit(self, was_damaged: bool) -> None:
        """The log is true, unless something of it was damaged: then the operator begins a new one."""
        broken = untrue(self.stage.config)
        if broken is not None:
            assert was_damaged, f"nothing damaged the audit log: {broken}"
            Audit(self.stage.config).restart()
            refresh(self.stage)
            assert untrue(self.stage.config) is None


def untrue(config: Config) -> str | None:
    """Why the audit log is not the one that was written, if so."""
    log = Audit(config)
    try:
        verify(log.folder, [log.public_key()])
    except (AuditBroken, SignatureRefused, StateError) as broken:
        return str(broken)
    return None


def started_afresh(stage: Stage, faults: list[str]) -> None:
    """Who starts now has whole versions too; where all that was on disk was damaged, it says so."""
    for canary in (False, True):
        try:
            engine = open_engine(Store(stage.state), canary=canary)
        except StateError:
            assert "damaged_file" in faults, "nothing damaged the state, and it cannot be opened"
            return
        for list_id in stage.offered:
            in_force(engine, stage, list_id)


def main(folder: Path, first: int, count: int) -> None:
    served = folder / "served"
    served.mkdir()
    server = fork(lambda: serve_for_ever(served), folder / "server")
    try:
        while not (served / "url").exists() and not ended(server, 0.02):
            pass
        url = (served / "url").read_text()
        for seed in range(first, first + count):
            run = folder / str(seed)
            run.mkdir()
            met: list[str] = []
            result: dict[str, object] = {"seed": seed, "met": met}
            try:
                one_run(run, url, seed, met)
            except (AssertionError, CopFilterError) as failure:
                result["failed"] = str(failure)
                result["said"] = (run / "said").read_text()[-2000:]
            print(json.dumps(result), flush=True)
    finally:
        end(server)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
