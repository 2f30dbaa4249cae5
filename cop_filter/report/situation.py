"""All that an operator has to know of, at one moment. Frozen; what it means is in `alarms`."""

from collections.abc import Mapping
from dataclasses import dataclass

from cop_filter.hold import Hold
from cop_filter.report.status import Status
from cop_filter.selftest import Results
from cop_filter.setbacks import Setback
from cop_filter.trial import Trial


@dataclass(frozen=True, slots=True)
class Situation:
    """`now` is in Unix seconds. `quarantined`: list id -> versions that wait for people.

    `setbacks`: what was taken out of force, the newest last. `selftest` is None where it has never run.
    """

    status: Status
    now: float
    held: Hold | None
    trial: Trial | None
    setbacks: tuple[Setback, ...]
    quarantined: Mapping[str, int]
    selftest: Results | None
    selftest_interval_s: float
