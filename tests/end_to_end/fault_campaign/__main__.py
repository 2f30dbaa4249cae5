"""What goes wrong while lists are refreshed, by seed: killed at any point, full and read-only disks, clocks
that jump, damaged files, hostile servers, and any two of these at once.

`python fault_campaign FOLDER FIRST COUNT` runs seeds FIRST..FIRST+COUNT-1 below FOLDER, as root, and prints
one line of JSON for each. A run is one state folder on a small disk of its own, and some rounds. In each
round a new version is offered while something goes wrong; then the fault is taken away and the next
version must come into force. Throughout:

- who enforces already, and who starts afresh, has one whole version of each list, and never nothing;
- what was planted in the entries stands in no file, and in nothing that was said.

It is a program of its own because it forks: one thread, no event loop, everything imported beforehand.
"""

import contextlib
import json
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from children import end, ended, fork, refresh
from faults import FAULTS
from stage import PLANTED, Stage, questions, serve_for_ever

from cop_filter.config import Config, ListConfig, OperatorConfig
from cop_filter.engine import Engine
from cop_filter.errors import StateError
from cop_filter.loader import Watcher, open_engine
from cop_filter.store import KEEP_GENERATIONS, Store
from cop_filter.verdict import LegalBasis

DISK = "12m"


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


def one_run(folder: Path, url: str, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(disk)], check=True)
    try:
        return rounds(Stage(folder, configuration(folder, url), chance, {"remote": 0, "local": 0}))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def configuration(folder: Path, url: str) -> Config:
    def a_list(list_id: str, source: str) -> ListConfig:
        return ListConfig(
            list_id, source, "Example Hotline", "csam", LegalBasis.ORDER,
            format="plain", timeout_s=0.5, retries=0, max_bytes=1 << 18, free_change=10,
            max_churn=4.0,  # no two versions have an entry in common
        )  # fmt: skip

    return Config(
        folder / "disk" / "state",
        OperatorConfig("Example Net", "Officer", "https://isp.example/", "https://help.example/"),
        (a_list("remote", f"{url}/list"), a_list("local", (folder / "local.txt").as_uri())),
    )


def rounds(stage: Stage) -> dict[str, object]:
    # So often that what lies on disk was all made when both lists had been there.
    for _ in range(KEEP_GENERATIONS):
        stage.offer()
        refresh(stage)
    enforcing = open_engine(Store(stage.state))
    watcher = Watcher(Store(stage.state), enforcing)
    met: list[str] = []
    for _ in range(stage.chance.choice([1, 2])):
        # In the order of FAULTS: what damages files needs a disk that can still be written to.
        chosen = stage.chance.sample(list(FAULTS), k=stage.chance.choice([1, 1, 2]))
        names = [name for name in FAULTS if name in chosen]
        met.append("+".join(names))
        stage.offer()
        with contextlib.ExitStack() as wrong:
            firsts = [wrong.enter_context(FAULTS[name](stage)) for name in names]
            refresh(stage, firsts)
            watcher.check()
            for list_id in stage.offered:
                in_force(enforcing, stage, list_id)
            started_afresh(stage, names)
        stage.offer()
        refresh(stage)
        watcher.check()
        for engine in (enforcing, open_engine(Store(stage.state))):
            for list_id, number in stage.offered.items():
                assert in_force(engine, stage, list_id) == number, f"{list_id} is not refreshed"
        assert not leaks(stage), f"entry text in {leaks(stage)}"
    return {"faults": met}


def started_afresh(stage: Stage, faults: list[str]) -> None:
    """Who starts now has whole versions too; where all that was on disk was damaged, it says so."""
    try:
        engine = open_engine(Store(stage.state))
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
            result: dict[str, object] = {"seed": seed}
            try:
                result |= one_run(run, url, seed)
            except (AssertionError, StateError) as failure:
                result["failed"] = str(failure)
                result["said"] = (run / "said").read_text()[-2000:]
            print(json.dumps(result), flush=True)
    finally:
        end(server)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
