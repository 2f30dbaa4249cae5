"""What somebody has to look at now, from what the reports know. Pure.

One list of alarms serves `status`, the metrics (`cop_filter_alarm`) and `/health`.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

from cop_filter.report.status import ListRow, Status

AlarmName = Literal[
    "state_unreadable",
    "nothing_published",
    "list_never_loaded",
    "list_failing",
    "list_overdue",
    "list_stale",
    "list_expired",
]
ALARM_NAMES: tuple[AlarmName, ...] = get_args(AlarmName)


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


def alarms(status: Status) -> tuple[Alarm, ...]:
    """All alarms, the most general first."""
    return tuple(_of_lists(status))


def _of_lists(status: Status) -> Iterator[Alarm]:
    if status.generation is None:
        yield Alarm("nothing_published", "", "nothing is published yet: nothing is blocked")
    for row in status.lists:
        if row.state != "ok":
            yield _of_row(row)


def _of_row(row: ListRow) -> Alarm:
    name, text = _OF_STATE[row.state]
    if row.state in ("stale", "expired") and row.mode == "enforce":
        text += "; it is enforced on" if row.on_stale == "enforce" else "; it is only observed"
    return Alarm(name, row.id, f"{text} ({row.last_error})" if row.last_error else text)
