"""One operator who takes in versions of a list as a refresh does it, at the time that a clock says."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from generations import a_config
from quarantine_wards import ANN_KEY, BEN_KEY, Clock

from cop_filter.admission import Admission, Admitted
from cop_filter.chronicle import Chronicle
from cop_filter.config import Config, ListConfig
from cop_filter.events import Events
from cop_filter.guards import Accepted
from cop_filter.ledger import Known, Ledger, Moment
from cop_filter.quarantine import Quarantine
from cop_filter.sources import Fetched, Validators
from cop_filter.store import Store

HOUR = 3600.0


def names(start: int, count: int) -> list[str]:
    return [f"host{number}.site{number}.example" for number in range(start, start + count)]


def fetched(lines: Sequence[str]) -> Fetched:
    raw = "".join(f"{line}\n" for line in lines).encode()
    return Fetched({"": raw}, Validators(), hashlib.sha256(raw).hexdigest())


class Desk:
    """`come` and `go` of a change are lines; `lines` are those of the version in force."""

    def __init__(self, folder: Path, wanted: ListConfig, **more: object) -> None:
        self.config: Config = a_config(folder / "state", wanted, **more)
        self.clock = Clock()
        self.store = Store.of(self.config)
        self.store.prepare()
        self.ledger = Ledger(self.store)
        self.lines: list[str] = []

    @property
    def wanted(self) -> ListConfig:
        return self.config.lists[0]

    def change(self, **settings: object) -> None:
        self.config = replace(self.config, lists=(replace(self.wanted, **settings),))  # type: ignore[arg-type]

    def admit(self, lines: Sequence[str]) -> Admitted:
        """A whole list, with the line of history that follows."""
        return self._admit(fetched(lines), lines)

    def admit_change(self, come: Sequence[str], go: Sequence[str] = ()) -> Admitted:
        """What changed since the version in force."""
        lines = [line for line in self.lines if line not in set(go)] + list(come)
        raw, removed = ("".join(f"{line}\n" for line in part).encode() for part in (come, go))
        base = fetched(self.lines).digest
        what = replace(fetched(lines), raw={"": raw}, base=base, removed=removed, format="plain")
        return self._admit(what, lines)

    def _admit(self, what: Fetched, lines: Sequence[str]) -> Admitted:
        chronicle = Chronicle(self.config, Events(), self.clock)
        desk = Admission(self.config, self.store, self.ledger, chronicle, self.clock)
        admitted = desk.admit(self.wanted, what, lambda *_: None)
        state = self.store.manifest(admitted.generation).state_of(self.wanted.id)
        moment = Moment(self.clock(), self.clock())
        went_in: Accepted = admitted.report.accepted(self.clock())
        self.ledger.accepted(self.wanted, Known(digest=what.digest), state, moment, went_in)
        self.lines = list(lines)
        return admitted

    def ward(self) -> Quarantine:
        return Quarantine(self.store, self.config, clock=self.clock)

    def approve(self) -> str:
        """Both approve what waits; its state then."""
        (item,) = (one.id for one in self.ward().items() if one.state == "waiting")
        self.ward().approve(item, ANN_KEY, "root")
        return self.ward().approve(item, BEN_KEY, "root").state
