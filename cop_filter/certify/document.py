"""A certificate's facts in words and tables, for whatever shows them. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as wide as the columns; all cells are text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part with a heading, what is to be known to read it, and its table."""

    heading: str
    text: str
    table: Table


@dataclass(frozen=True, slots=True)
class Document:
    """The whole, up to `until` (Unix seconds). `warning` is what a reader must not overlook, or empty."""

    title: str
    subtitle: str
    warning: str
    sections: tuple[Section, ...]
    until: int


def document(facts: Mapping[str, Any]) -> Document:
    """Tell the facts of `certify.facts`."""
    quarter, operator = facts["quarter"], facts["operator"]
    return Document(
        title=f"Self-certification {quarter['name']}",
        subtitle=f"{operator['name']}; responsible: {operator['responsible_officer']}; "
        f"{_time(quarter['start'])} to {_time(quarter['until'])} (UTC)",
        warning=" ".join(_warnings(facts)),
        sections=tuple(_sections(facts)),
        until=quarter["until"],
    )


def _warnings(facts: Mapping[str, Any]) -> Iterator[str]:
    if not facts["quarter"]["complete"]:
        yield "Incomplete: the quarter has not ended."
    audit = facts["audit"]
    if audit is None:
        yield "There is no audit log."
    elif "broken" in audit:
        yield f"The audit log cannot be believed: {audit['broken']}."


def _sections(facts: Mapping[str, Any]) -> Iterator[Section]:
    lists = facts["lists"]
    yield Section(
        "Enforcement",
        "Share of the time in which a self-test through the live listeners passed. Time without a self-test "
        "is no data, and counts as not proven. An outage lasts from the last test that passed to the next.",
        _table(
            ("plane", "proven", "seen failing", "no data", "longest outage"),
            (_enforcement(plane, found) for plane, found in facts["enforcement"].items()),
        ),
    )
    yield Section(
        "Lists",
        "Age: how long the version in force had been so. Confirmed: how long ago its source had last said "
        "that it was the newest. Both at best, on average, and at worst.",
        _table(
            ("list", "authority", "basis", "mode", "checked every", "age", "confirmed"),
            (
                (
                    one["id"],
                    one["authority"],
                    one["legal_basis"],
                    one["mode"],
                    _span(one["interval_s"]),
                    _measured(one["age_s"]),
                    _measured(one["unconfirmed_s"]),
                )
                for one in lists
            ),
        ),
    )
    yield Section(
        "Refreshes and decisions",
        "Refused and quarantined versions never went live; the last good one stayed in force.",
        _table(
            ("list", "published", "unchanged", "refused", "quarantined", "approved", "rejected", "released"),
            (
                (
                    one["id"],
                    *_counts(one["refreshes"], ("published", "unchanged", "refused")),
                    *_counts(one["decisions"], ("quarantined", "approved", "rejected", "released")),
                )
                for one in lists
            ),
        ),
    )
    yield Section(
        "Gaps",
        "Times longer than three intervals in which no check of a list succeeded. Of lists with very many "
        "gaps, the longest are told.",
        _table(("list", "from (UTC)", "to (UTC)", "lasted", "what is known"), _gaps(lists)),
    )
    yield Section(
        "Canaries",
        "Harmless entries that were asked for through the live listeners: times that all were blocked "
        "(passed), that any got through (failed), and that nobody answered (unreachable).",
        _table(
            ("list", "plane", "passed", "failed", "unreachable"),
            (
                (one["id"], plane, *_counts(found, ("passed", "failed", "unreachable")))
                for one in lists
                for plane, found in one["canaries"].items()
            ),
        ),
    )
    yield Section("Changes", "From the audit log.", _table(("what", "times"), _changes(facts)))
    yield Section("Versions", "When this was written.", _table(("what", "version"), _versions(facts)))


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    return Table(columns, tuple(rows))


def _enforcement(plane: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    if found["percent"] is None:
        return (plane, *[NO_DATA] * 4)
    outage = found["longest_outage"]
    longest = (
        "none"
        if outage is None
        else f"{_span(outage['end'] - outage['start'])} from {_time(outage['start'])} ({outage['state']})"
    )
    return (plane, f"{found['percent']} %", _span(found["bad_s"]), _span(found["no_data_s"]), longest)


def _measured(found: Mapping[str, int] | None) -> str:
    return NO_DATA if found is None else " / ".join(_span(found[word]) for word in ("best", "mean", "worst"))


def _counts(found: Mapping[str, int] | None, words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(NO_DATA if found is None else str(found[word]) for word in words)


def _gaps(lists: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for one in lists:
        told = one["gaps"]["told"]
        for gap in told:
            known = "its versions were refused" if gap["state"] == "refused" else NO_DATA
            yield one["id"], _time(gap["start"]), _time(gap["end"]), _span(gap["end"] - gap["start"]), known
        if not told:
            yield one["id"], "none", "", "", ""


def _changes(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    changes = facts["changes"]
    if changes is None:
        yield "the audit log", NO_DATA
        return
    for word, times in changes.items():
        yield word.replace("_", " "), str(times)


def _versions(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield from facts["versions"].items()
    generations, audit = facts["generations"], facts["audit"]
    first, last, now = (
        NO_DATA if generations[word] is None else str(generations[word])
        for word in ("first", "last", "in_force")
    )
    yield "generation in force", now
    yield "generations seen in the quarter", f"{first} to {last}"
    if audit is not None and "digest" in audit:
        yield "audit log", f"{audit['lines']} lines, {audit['digest']}"
    yield "certificate format", str(facts["format"])


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def _span(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2]) or "0 s"
