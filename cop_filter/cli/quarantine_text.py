"""Quarantined versions in words: counts, classes of names and reasons; never an entry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cop_filter.decision import Decision
from cop_filter.quarantine import Item, Standing

_HEAD = ("ID", "LIST", "STATE", "CAME", "ENTRIES", "APPROVED", "REFUSED BY")


def as_fields(standing: Standing) -> dict[str, Any]:
    """For JSON."""
    item = standing.item
    told: dict[str, Any] = {"id": standing.id, "state": standing.state}
    if item is None:
        return {**told, "fault": standing.fault}
    return {
        **told,
        "list": item.list_id,
        "digest": item.digest,
        "at": item.at,
        "version": item.version,
        "approved_by": list(standing.approved_by),
        "approvals_needed": standing.needed,
        "rejected_at": item.rejected_at,
        "rejected_by": item.rejected_by,
        "report": dict(item.report),
    }


def table(standings: Sequence[Standing]) -> str:
    """One line a version."""
    rows = [_HEAD, *(_cells(one) for one in standings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def details(standing: Standing) -> str:
    """All that is known of one version."""
    item = standing.item
    if item is None:
        return f"{standing.id}: unreadable: {standing.fault}"
    lines = [
        f"{item.id}: list {item.list_id}, {standing.state}",
        f"came      {_time(item.at)}" + ("" if item.version is None else f", version {item.version}"),
        f"digest    {item.digest}",
        *_counted(item.report),
        f"approved  {_approved(standing)}",
    ]
    if item.rejected_at is not None:
        lines.append(f"rejected  {_time(item.rejected_at)} by {item.rejected_by}")
    return "\n".join([*lines, *_findings(item.version_shown.report)])


def to_sign(decision: Decision) -> str:
    """What a person is about to sign."""
    version = decision.version
    does = {"approve": "approves", "reject": "rejects", "reveal": "asks to see entries of"}[decision.verb]
    lines = [
        f"{decision.by} {does} {version.item}: list {version.list_id}",
        f"written   {_time(decision.at)}",
        f"digest    {version.digest}",
        *_counted(version.report),
        *_findings(version.report),
    ]
    return "\n".join(lines)


def _counted(report: Mapping[str, Any]) -> list[str]:
    was = "nothing" if report.get("in_force") is None else report["in_force"]
    moved = f"{report.get('added')} come, {report.get('removed')} go"
    return [
        f"entries   {report.get('entries')} (in force: {was}); {moved}",
        f"kinds     {_counts(report.get('kinds', {}))}",
        f"classes   {_counts(report.get('classes', {}))}",
    ]


def _findings(report: Mapping[str, Any]) -> list[str]:
    said = [f"  {finding['guard']}: {finding['reason']}" for finding in report.get("findings", ())]
    return ["refused by", *said]


def _cells(standing: Standing) -> tuple[str, ...]:
    item = standing.item
    if item is None:
        return (standing.id, "-", standing.state, "-", "-", "-", standing.fault or "")
    guards = ", ".join(finding["guard"] for finding in item.report.get("findings", ()))
    approved = f"{len(standing.approved_by)} of {standing.needed}"
    entries = str(item.report.get("entries"))
    return (item.id, item.list_id, standing.state, _time(item.at), entries, approved, guards)


def _approved(standing: Standing) -> str:
    names = f": {', '.join(standing.approved_by)}" if standing.approved_by else ""
    return f"{len(standing.approved_by)} of {standing.needed}{names}"


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.items() if count) or "-"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decided(item: Item, standing: Standing) -> str:
    """What an approval came to."""
    if standing.state != "released":
        return f"approved: {_approved(standing)}; the last good version of {item.list_id} stays in force"
    return (
        f"released: {_approved(standing)}; a running `cop-filter sync --watch` fetches it now, "
        f"else run `cop-filter sync {item.list_id}`"
    )
