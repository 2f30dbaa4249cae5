"""What somebody has to look at now. Pure.

One list of alarms serves `status`, the metrics (`cop_filter_alarm`) and `/health`.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from cop_filter.report.situation import Situation
from cop_filter.report.status import ListRow

AlarmName = Literal[
    "state_unreadable",
    "nothing_published",
    "rollback_holds",
    "trial_taken_back",
    "list_never_loaded",
    "list_failing",
    "list_overdue",
    "list_stale",
    "list_expired",
    "list_quarantined",
    "canary_failed",
    "listener_unreachable",
    "selftest_overdue",
]
ALARM_NAMES: tuple[AlarmName, ...] = get_args(AlarmName)

_OVERDUE_INTERVALS = 3
_OVERDUE_SLACK_S = 60.0
_SETBACK_S = 86400.0
"""How long a trial that was taken back is told of; its lists are in quarantine for longer."""


class Alarm(NamedTuple):
    """Something that is not as it should be. `subject` is the id of a list, a plane or a role, or empty."""

    name: AlarmName
    subject: str
    text: str


_OF_STATE: dict[str, tuple[AlarmName, str]] = {
    "never": ("list_never_loaded", "it was never loaded: nothing of it is enforced"),
    "failing": ("list_failing", "its last good version stays in force, for the newest was refused"),
    "overdue": ("list_overdue", "nobody has checked it in time; is `cop-filter sync --watch` running?"),
    "stale": ("list_stale", "its source could not be asked for longer than stale_after"),
    "expired": ("list_expired", "its authority's own date has passed, and there is no newer version"),
}


def alarms(situation: Situation) -> tuple[Alarm, ...]:
    """All alarms, the most general first."""
    return (
        *_of_generations(situation),
        *_of_lists(situation),
        *_of_selftest(situation),
    )


def _of_generations(situation: Situation) -> Iterator[Alarm]:
    if situation.status.generation is None:
        yield Alarm("nothing_published", "", "nothing is published yet: nothing is blocked")
    if situation.held is not None:
        why = f" ({situation.held.reason})" if situation.held.reason else ""
        yield Alarm(
            "rollback_holds", "", f"a rollback holds{why}, no list is refreshed: `cop-filter release` ends it"
        )
    setback = situation.setbacks[-1] if situation.setbacks else None
    if setback is not None and setback.how == "failed" and 0 <= situation.now - setback.at < _SETBACK_S:
        numbers = ", ".join(map(str, setback.generations))
        text = f"generation {numbers} was taken back by itself: {setback.reason}"
        yield Alarm("trial_taken_back", "", f"{text}; look at `cop-filter quarantine list`")


def _of_lists(situation: Situation) -> Iterator[Alarm]:
    for row in situation.status.lists:
        if row.state != "ok":
            yield _of_row(row)
    for list_id, count in situation.quarantined.items():
        versions = "a version waits" if count == 1 else f"{count} versions wait"
        yield Alarm("list_quarantined", list_id, f"{versions} for people: `cop-filter quarantine list`")


def _of_row(row: ListRow) -> Alarm:
    name, text = _OF_STATE[row.state]
    if row.state in ("stale", "expired") and row.mode == "enforce":
        text += "; it is enforced on" if row.on_stale == "enforce" else "; it is only observed"
    return Alarm(name, row.id, f"{text} ({row.last_error})" if row.last_error else text)


def _of_selftest(situation: Situation) -> Iterator[Alarm]:
    found = situation.selftest
    if found is None:
        return
    for one in found.results:
        where = f"{one.list_id} on {one.plane}"
        if one.state == "failed" and one.expects == "block":
            text = f"{one.failed} of {one.asked} canaries got through at {one.listener}"
            yield Alarm("canary_failed", where, f"{text} ({one.reason})" if one.reason else text)
        elif one.state == "failed":
            yield Alarm("canary_failed", where, f"what no list holds was blocked at {one.listener}")
        elif one.state == "unreachable":
            yield Alarm("listener_unreachable", where, f"nobody answers at {one.listener}")
    age_s = abs(situation.now - found.at)  # a clock that was wrong may have put it in the future
    interval_s = situation.selftest_interval_s
    if age_s > max(_OVERDUE_INTERVALS * interval_s, interval_s + _OVERDUE_SLACK_S):
        yield Alarm(
            "selftest_overdue", "", "canaries are asked for no more; is `cop-filter selftest` running?"
        )
