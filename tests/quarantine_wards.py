"""A state folder with published generations, and versions of its list that wait for people."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit_logs import NOW, config_in
from generations import a_list

from cop_filter import compiler
from cop_filter.audit import Audit, Line, lines
from cop_filter.config import Config, RightsConfig
from cop_filter.entries import parse
from cop_filter.guards import Finding, GuardReport
from cop_filter.quarantine import Quarantine
from cop_filter.rollout.going_back import go_back
from cop_filter.signing import Person, SigningKey
from cop_filter.store import Store

ANN_KEY, BEN_KEY, EVE_KEY = (SigningKey.generate() for _ in range(3))
ANN, BEN, EVE = Person("ann", ANN_KEY.public), Person("ben", BEN_KEY.public), Person("eve", EVE_KEY.public)
TWO_PEOPLE = a_list(approvers=(ANN, BEN), approvals=2)
PLANTED = b"planted.example\nhttp://planted.example/page\n"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


def report(entries: int = 8000) -> GuardReport:
    return GuardReport(
        list_id="national",
        lines=entries,
        bad_lines=0,
        addresses=0,
        entries=entries,
        in_force=100,
        added=entries,
        removed=0,
        kinds={"domain": entries},
        classes={"registered domain": entries},
        findings=(Finding("growth", f"grew from 100 to {entries} entries"),),
    )


class Site:
    """One operator: configuration, state folder, clock."""

    def __init__(self, folder: Path, *lists: Any, **more: Any) -> None:
        more.setdefault("rights", RightsConfig((EVE,)))
        self.config = config_in(folder, *(lists or (TWO_PEOPLE,)), **more)
        self.clock = Clock()
        self.store = Store(self.config.state_dir)
        self.store.prepare()

    def quarantine(self, config: Config | None = None) -> Quarantine:
        """As every process has its own."""
        return Quarantine(self.store, config or self.config, clock=self.clock)

    def publish(self, entries: Sequence[str], list_id: str = "national") -> int:
        self.store.stages.release()
        with compiler.draft(self.store, self.config, clock=self.clock) as draft:
            draft.replace(list_id, [parse(text) for text in entries])
            return draft.publish({list_id: digest_of(entries)})

    def roll_back(self) -> None:
        go_back(self.store, None, by="test", reason="test", now=self.clock())

    def keep(self, digest: str = "0a" * 32, list_number: int = 0, **more: Any) -> str:
        wanted = self.config.lists[list_number]
        return self.quarantine().keep(wanted, report(), digest, {"": PLANTED}, **more)

    def told(self) -> list[Line]:
        return list(lines(Audit(self.config).folder))

    def events(self) -> list[str]:
        return [one.event for one in self.told()]


def digest_of(entries: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(entries).encode()).hexdigest()
