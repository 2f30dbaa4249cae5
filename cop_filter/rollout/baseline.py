"""What all processes had counted when a trial began: `trial-began.json`, so that a restart loses no figures.

Without it, only canaries, failures and the other workers speak for or against a generation: a full disk
must not keep a trial from being judged by those.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cop_filter import durable
from cop_filter.rollout.figures import Counted, Figures, Totals
from cop_filter.verdict import Plane

FILE = "trial-began.json"
_log = logging.getLogger(__name__)

Baselines = Mapping[int, Totals]
"""Generation on trial -> process id -> what it had counted when that trial began."""


def load(state_dir: Path) -> dict[int, Totals]:
    """What was kept; nothing where there is no file, or a damaged one."""
    try:
        kept = json.loads((state_dir / FILE).read_bytes())
        return {
            int(generation): {int(pid): _figures(one) for pid, one in totals.items()}
            for generation, totals in kept.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def keep(state_dir: Path, baselines: Baselines) -> None:
    """Keep what a later process will need; a disk that refuses is told."""
    kept = {
        generation: {pid: {"planes": dict(one.planes), "faults": one.faults} for pid, one in totals.items()}
        for generation, totals in baselines.items()
    }
    try:
        durable.replace(state_dir / FILE, json.dumps(kept).encode())
    except OSError as error:
        _log.warning("the figures from before the trial cannot be kept: %s", error.strerror)


def _figures(one: Mapping[str, Any]) -> Figures:
    planes = {
        Plane(plane): Counted(int(decisions), int(blocked))
        for plane, (decisions, blocked) in one["planes"].items()
    }
    return Figures(planes, int(one["faults"]))
