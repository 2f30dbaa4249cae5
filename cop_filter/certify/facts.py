"""What a certificate says: figures of a quarter, from what was recorded. Pure.

Plain data for JSON, whole numbers only. `None` is "no data": what was not recorded is never called good.
No entry, no client, no count of anybody's questions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cop_filter.audit.line import Line
from cop_filter.certify.coverage import Stretch, coverage, lacking, stretches
from cop_filter.certify.quarter import Quarter
from cop_filter.config import Config, ListConfig
from cop_filter.history import GAP_INTERVALS, Row, Span
from cop_filter.selftest.results import State
from cop_filter.verdict import Plane

FORMAT = 1
MOST_GAPS = 200
"""Of one list; of more, the longest are told."""
_MOST_GAPS_OF_ALL = 4000
"""Of all lists together: a signed document has a largest size, beyond which nobody can verify it."""
_RESULTS = ("published", "unchanged", "refused")
_DECISIONS = {
    "quarantined": "list_quarantined",
    "approved": "quarantine_approved",
    "rejected": "quarantine_rejected",
    "released": "quarantine_released",
}
_CHANGES = {
    "rollbacks": "rolled_back",
    "rollouts_failed": "rollout_failed",
    "policy_changes": "policy_changed",
    "exemptions_added": "exemption_added",
    "reveals": "entries_revealed",
}
_STATES: tuple[State, ...] = ("passed", "failed", "unreachable")

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Audited:
    """What the audit log says of the quarter, if it is whole; `broken` says why it is not."""

    lines: Sequence[Line] = ()
    head: tuple[int, str] | None = None
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """All that was recorded of a quarter up to `until` (Unix seconds); `spans` are by subject."""

    quarter: Quarter
    until: int
    rows: Sequence[Row]
    spans: Mapping[str, Sequence[Span]]
    audited: Audited
    generation: int | None
    versions: Mapping[str, str]


def facts(config: Config, recorded: Recorded) -> Facts:
    """The whole certificate, before it is signed."""
    quarter = recorded.quarter
    most_gaps = min(MOST_GAPS, _MOST_GAPS_OF_ALL // max(1, len(config.lists)))
    return {
        "format": FORMAT,
        "operator": {
            "name": config.operator.name,
            "responsible_officer": config.operator.responsible_officer,
        },
        "quarter": {
            "name": str(quarter),
            "start": quarter.start,
            "end": quarter.end,
            "until": recorded.until,
            "complete": recorded.until >= quarter.end,
        },
        "lists": [_list(one, recorded, most_gaps) for one in config.lists],
        "enforcement": {
            str(plane): _enforcement(recorded, plane)
            for plane in Plane
            if f"enforcing:{plane}" in recorded.spans
        },
        "generations": _generations(recorded),
        "changes": _audited(recorded.audited, _CHANGES, None),
        "audit": _audit(recorded.audited),
        "versions": dict(recorded.versions),
    }


def _list(one: ListConfig, recorded: Recorded, most_gaps: int) -> Facts:
    subject = f"list:{one.id}"
    counts = _counts(recorded.rows, subject)
    tried = any(result in counts for result in _RESULTS)
    return {
        "id": one.id,
        "authority": one.authority,
        "legal_basis": str(one.legal_basis),
        "mode": one.mode,
        "planes": [str(plane) for plane in one.planes],
        "interval_s": int(one.interval_s),
        "age_s": _measured(recorded.rows, subject, "age_s"),
        "unconfirmed_s": _measured(recorded.rows, subject, "unconfirmed_s"),
        "gaps": _gaps(one, recorded, most_gaps),
        "refreshes": {result: counts[result] for result in _RESULTS} if tried else None,
        "decisions": _audited(recorded.audited, _DECISIONS, one.id),
        "canaries": {str(plane): _canaries(recorded, one.id, plane) for plane in one.planes},
    }


def _counts(rows: Iterable[Row], subject: str) -> Counter[str]:
    counts = Counter[str]()
    for row in rows:
        if row.subject == subject:
            counts[row.what] += row.count
    return counts


def _measured(rows: Sequence[Row], subject: str, what: str) -> Facts | None:
    """The least, the mean and the most of a measure of which less is better."""
    found = [row for row in rows if (row.subject, row.what) == (subject, what)]
    lowest = [row.lowest for row in found if row.lowest is not None]
    highest = [row.highest for row in found if row.highest is not None]
    times = sum(row.count for row in found)
    if not lowest or not highest or not times:
        return None
    mean = sum(row.total for row in found) / times
    return {"best": round(min(lowest)), "mean": round(mean), "worst": round(max(highest))}


def _gaps(one: ListConfig, recorded: Recorded, most: int) -> Facts:
    """When the list was not checked for longer than it may go unchecked."""
    start, until = recorded.quarter.start, recorded.until
    parts = stretches(recorded.spans.get(f"list:{one.id}", ()), start, until)
    patience_s = GAP_INTERVALS * one.interval_s
    gaps = [gap for gap in lacking(parts) if gap.end - gap.start > patience_s]
    told = sorted(sorted(gaps, key=lambda gap: gap.start - gap.end)[:most])
    return {
        "count": len(gaps),
        "seconds": sum(round(gap.end - gap.start) for gap in gaps),
        "told": [_told(gap, one.id, recorded.rows) for gap in told],
    }


def _told(gap: Stretch, list_id: str, rows: Iterable[Row]) -> Facts:
    """A gap in which a refresh was refused is one of the source's; of any other, nothing is known."""
    refused = any(
        (row.subject, row.what) == (f"list:{list_id}", "refused") and gap.start - 3600 < row.hour < gap.end
        for row in rows
    )
    return {
        "start": round(gap.start),
        "end": round(gap.end),
        "state": "refused" if refused else "no data",
    }


def _canaries(recorded: Recorded, list_id: str, plane: Plane) -> Facts | None:
    counts = _counts(recorded.rows, f"canary:{list_id}:{plane}")
    return {state: counts[state] for state in _STATES} if counts else None


def _enforcement(recorded: Recorded, plane: Plane) -> Facts:
    found = coverage(recorded.spans[f"enforcing:{plane}"], recorded.quarter.start, recorded.until)
    return {
        "percent": found.percent,
        "good_s": found.good_s,
        "bad_s": found.bad_s,
        "no_data_s": found.no_data_s,
        "longest_outage": None
        if found.longest is None
        else {
            "start": round(found.longest.start),
            "end": round(found.longest.end),
            "state": found.longest.state,
        },
    }


def _generations(recorded: Recorded) -> Facts:
    seen = [row for row in recorded.rows if (row.subject, row.what) == ("sync", "generation")]
    lowest = [int(row.lowest) for row in seen if row.lowest is not None]
    highest = [int(row.highest) for row in seen if row.highest is not None]
    return {
        "in_force": recorded.generation,
        "first": min(lowest, default=None),
        "last": max(highest, default=None),
    }


def _audited(audited: Audited, words: Mapping[str, str], list_id: str | None) -> Facts | None:
    """How often the audit log tells of each; None when it cannot be believed, or there is none."""
    if audited.broken is not None or audited.head is None:
        return None
    events = Counter(
        line.event for line in audited.lines if list_id is None or line.facts.get("list") == list_id
    )
    return {word: events[event] for word, event in words.items()}


def _audit(audited: Audited) -> Facts | None:
    if audited.broken is not None:
        return {"broken": audited.broken}
    if audited.head is None:
        return None
    return {"lines": audited.head[0], "digest": audited.head[1]}
