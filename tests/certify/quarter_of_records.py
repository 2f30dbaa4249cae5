"""A state folder with a quarter's records in it, good and bad."""

from pathlib import Path

from generations import a_config, a_list, dns, publish

from cop_filter.audit import Audit
from cop_filter.certify.quarter import Quarter
from cop_filter.config import Address, Config
from cop_filter.history import History

QUARTER = Quarter(2026, 2)
START = QUARTER.start
DAY = 86400
ENTRY = "planted-entry.example"


def a_recorded_quarter(folder: Path) -> Config:
    """The list was checked on three days, and the resolver tested every hour of two, once badly."""
    here = Address("127.0.0.1", 5353)
    config = a_config(folder, a_list(interval_s=3600.0), dns=dns(listen=(here,), upstreams=(here,)))
    publish(config, national=[ENTRY])
    history = History(folder)
    for hour in range(0, 72, 3):
        history.refreshed("national", "unchanged", interval_s=3600, at=START + hour * 3600)
    history.refreshed("national", "refused", interval_s=3600, at=START + 80 * 3600)
    for value in (60.0, 600.0, 1500.0):
        history.measured("list:national", "unconfirmed_s", value, START)
    history.measured("list:national", "age_s", 7200.0, START)
    for hour in range(48):
        good = hour != 10
        at = START + hour * 3600
        history.seen("enforcing:dns", good=good, patience_s=3600, at=at)
        history.add("canary:national:dns", "passed" if good else "failed", at=at)
    history.measured("sync", "generation", 4, START)
    history.measured("sync", "generation", 9, START + DAY)
    audit = Audit(config, clock=lambda: START + DAY)
    audit.record("list_quarantined", list="national")
    audit.record("quarantine_approved", list="national", approver="ann")
    audit.record("rolled_back", generation=4)
    Audit(config, clock=lambda: QUARTER.end + 1).record("rolled_back", generation=9)
    return config
