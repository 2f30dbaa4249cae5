"""Whether a generation on trial does harm: from figures to a decision. Pure.

On each plane, the share of decisions that block is held against the usual one: that of the other
processes in the same time, or, where too few of those decide on this plane, that of all processes before
the trial. A usual share below one in `min_decisions` is taken for that, since no fewer decisions can tell
it from none: a list of few entries may well have been asked for by nobody so far.
"""

import math
from collections.abc import Collection
from typing import Literal, NamedTuple

from cop_filter.config import RolloutConfig
from cop_filter.rollout.figures import Counted, Figures
from cop_filter.verdict import Plane

_SIGMAS = 3.0
"""How far above what is allowed a count may lie by chance (of a Poisson distribution)."""
_MOST_FAULTS = 5
_MOST_DEATHS = 2
"""A process may end by another's doing; one that ends again and again does so by the generation's."""


class Judgement(NamedTuple):
    """`reason` says in words what was found, for a log and a report; empty while nothing was."""

    verdict: Literal["wait", "pass", "fail"]
    reason: str = ""


def judge(
    before: Figures,
    trial: Figures,
    rest: Figures,
    *,
    canaries_of: Collection[str],
    soaked: bool,
    limits: RolloutConfig,
) -> Judgement:
    """What is to become of a trial.

    `trial` and `rest` are what the processes on trial and the others counted since it began, `before`
    is what all did until then. `canaries_of`: the lists whose canaries the generation lets pass.
    `soaked`: its time is over; harm that shows with it still fails it.
    """
    harm = (
        _canaries(canaries_of)
        or _faults(before, trial, rest, limits)
        or _deaths(trial, rest)
        or next(filter(None, (_jump(plane, before, trial, rest, limits) for plane in Plane)), "")
    )
    if harm:
        return Judgement("fail", harm)
    return Judgement("pass" if soaked else "wait")


def _canaries(lists: Collection[str]) -> str:
    return f"canaries of {', '.join(sorted(lists))} are not blocked" if lists else ""


def _jump(plane: Plane, before: Figures, trial: Figures, rest: Figures, limits: RolloutConfig) -> str:
    found = trial.on(plane)
    if found.decisions < limits.min_decisions:
        return ""
    usual = _usual(before.on(plane), rest.on(plane), limits)
    if usual is None:
        return ""
    allowed = max(usual, 1 / limits.min_decisions) * limits.max_block_jump * found.decisions
    if found.blocked <= allowed + _SIGMAS * math.sqrt(allowed):
        return ""
    return (
        f"on {plane}, {found.share:.2%} of {found.decisions} decisions blocked, where {usual:.2%} is usual "
        f"and {limits.max_block_jump:g} times that is allowed"
    )


def _usual(before: Counted, rest: Counted, limits: RolloutConfig) -> float | None:
    """The usual share; None where nobody has decided enough to know one."""
    for known in (rest, before):
        if known.decisions >= limits.min_decisions:
            return known.share
    return None


def _faults(before: Figures, trial: Figures, rest: Figures, limits: RolloutConfig) -> str:
    if trial.faults <= _MOST_FAULTS:
        return ""
    others = rest if rest.decisions >= limits.min_decisions else before
    usual = others.faults / others.decisions if others.decisions else 0.0
    allowed = usual * limits.max_block_jump * trial.decisions
    if trial.faults <= allowed + _SIGMAS * math.sqrt(allowed):
        return ""
    return f"{trial.faults} of {trial.decisions} decisions failed and fell back to the fail policy"


def _deaths(trial: Figures, rest: Figures) -> str:
    if trial.deaths <= max(_MOST_DEATHS, rest.deaths):
        return ""
    return f"processes that enforce it ended {trial.deaths} times"
