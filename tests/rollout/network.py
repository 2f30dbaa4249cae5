"""A small network in one process: workers with real engines and watchers, and what they would count."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from generations import a_config

from cop_filter import compiler
from cop_filter.config import Config, RolloutConfig
from cop_filter.entries import parse
from cop_filter.loader import Watcher, open_engine
from cop_filter.report.samples import Sample, Series
from cop_filter.rollout.controller import Controller, Settled
from cop_filter.store import Store
from cop_filter.verdict import Plane

BEGAN = 1_800_000_000.0
SOAK_S = 600.0
ROLLOUT = RolloutConfig(soak_s=SOAK_S, share=0.25, max_block_jump=3.0, min_decisions=1000)


class Worker:
    """One enforcing process; `plane` is the one that it decides on."""

    def __init__(self, network: "Network", pid: int, *, canary: bool, plane: Plane = Plane.DNS) -> None:
        self.pid = pid
        self.plane = plane
        self.engine = open_engine(network.store, canary=canary)
        self.watcher = Watcher(network.store, self.engine, canary=canary, clock=lambda: network.now)
        self.counted: Counter[Series] = Counter()

    def asked(self, hosts: Iterable[str]) -> None:
        self.watcher.check()
        for host in hosts:
            verdict = self.engine.decide_host(host, self.plane)
            labels = (("action", verdict.action), ("list", verdict.list_id or ""), ("plane", self.plane))
            self.counted[Series("cop_filter_decisions_total", labels)] += 1


class Network:
    """Workers over one state folder, a clock, and a controller that sees what they count."""

    def __init__(self, state_dir: Path, *, canaries: Sequence[bool] = (True, False, False, False)) -> None:
        self.now = BEGAN
        self.config: Config = a_config(state_dir, rollout=ROLLOUT)
        self.store = Store(state_dir)
        self.failing: list[str] = []
        self.publish("first.example")
        self.workers = [Worker(self, 100 + place, canary=one) for place, one in enumerate(canaries)]
        self.dead: list[Worker] = []
        self.controller = self.a_controller()

    def a_controller(self) -> Controller:
        return Controller(
            self.config,
            self.store,
            failing=lambda _: self.failing,
            look=self.look,
            clock=lambda: self.now,
        )

    def publish(self, *entries: str, digest: str = "") -> int:
        with compiler.draft(self.store, self.config, clock=lambda: self.now) as draft:
            draft.replace("national", [parse(entry) for entry in entries])
            return draft.publish({"national": digest})

    def look(self) -> Sample:
        every = [*self.workers, *self.dead]
        return Sample(
            self.now,
            counted={one.pid: dict(one.counted) for one in every},
            gauges={},
            processes=len(self.workers),
            enforcing={one.pid: one.engine.generation for one in self.workers},
        )

    def asked(self, *hosts: str, times: int = 1) -> None:
        for worker in self.workers:
            worker.asked(hosts * times)

    def in_force(self) -> list[int]:
        for worker in self.workers:
            worker.watcher.check()
        return [worker.engine.generation for worker in self.workers]

    def step(self, passed_s: float = 0.0) -> Settled | None:
        self.now += passed_s
        return self.controller.step()
