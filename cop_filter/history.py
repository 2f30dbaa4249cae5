"""What happened, by the hour, for quarters: counts and measures of lists, probes and syncs; never of people.

::

    hourly   (hour, subject, what) -> count, total, lowest, highest
    spans    (subject, start) -> end, good: from when to when a state was seen to last

Subjects are fixed words and ids: `list:ID`, `canary:LIST:PLANE`, `enforcing:dns`, `enforcing:http`, `sync`.
Time between spans is time that nobody knows anything about.

Several processes write. What cannot be written is lost, and said in the log once an hour: enforcement goes
on.
"""

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cop_filter.errors import StateError

_log = logging.getLogger(__name__)

FILE = "history.sqlite"
HOUR_S = 3600
KEPT_HOURS = 460 * 24
"""About 15 months of service: a quarter can be certified for a year after its end. Hours of which there is
something are counted, not the time: a clock that runs ahead for a moment must not wipe out everything."""
GAP_INTERVALS = 3
"""A list that was not checked for so many of its intervals was not looked after."""
_BUSY_S = 2.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hourly (
    hour INTEGER, subject TEXT, what TEXT,
    count INTEGER NOT NULL, total REAL NOT NULL, lowest REAL, highest REAL,
    PRIMARY KEY (hour, subject, what)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spans (
    subject TEXT, start REAL, end REAL NOT NULL, good INTEGER NOT NULL,
    PRIMARY KEY (subject, start)
) WITHOUT ROWID;
"""
_COUNT = """
INSERT INTO hourly VALUES (:hour, :subject, :what, :count, 0, NULL, NULL)
ON CONFLICT DO UPDATE SET count = count + excluded.count
"""
_MEASURE = """
INSERT INTO hourly VALUES (:hour, :subject, :what, 1, :value, :value, :value)
ON CONFLICT DO UPDATE SET
    count = count + 1, total = total + excluded.total,
    lowest = min(coalesce(lowest, excluded.lowest), excluded.lowest),
    highest = max(coalesce(highest, excluded.highest), excluded.highest)
"""
_OLDEST_KEPT = "SELECT DISTINCT hour FROM hourly ORDER BY hour DESC LIMIT 1 OFFSET ?"


@dataclass(frozen=True, slots=True)
class Row:
    """One hour of one subject. `hour` is when it began (Unix seconds); `count` is how often `what` was met.

    What was measured, and not only counted, has a sum, a lowest and a highest value.
    """

    hour: int
    subject: str
    what: str
    count: int
    total: float
    lowest: float | None
    highest: float | None


class Span(NamedTuple):
    """From when to when (Unix seconds) all that was seen of a subject was good, or bad."""

    start: float
    end: float
    good: bool


class History:
    """The file of one state folder. What writes never raises; what reads raises StateError."""

    def __init__(self, state_dir: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = state_dir / FILE
        self._clock = clock
        self._said_at: float | None = None
        self._pruned_at: float | None = None

    def add(self, subject: str, what: str, count: int = 1, at: float | None = None) -> None:
        """Count something that happened `count` times, now or at `at` (Unix seconds)."""
        self._write(
            lambda database, now: database.execute(
                _COUNT, {"hour": _hour(now), "subject": subject, "what": what, "count": count}
            ),
            at,
        )

    def measured(self, subject: str, what: str, value: float, at: float | None = None) -> None:
        """Note a measure; its hour keeps how many there were, their sum, the lowest and the highest."""
        self._write(
            lambda database, now: database.execute(
                _MEASURE, {"hour": _hour(now), "subject": subject, "what": what, "value": value}
            ),
            at,
        )

    def seen(self, subject: str, *, good: bool, patience_s: float, at: float | None = None) -> None:
        """Note that a subject was seen in a good or in a bad state.

        If it was in the same state `patience_s` ago or less, it counts as having been so in between; after
        a change, the time in between counts as bad.
        """
        self._write(lambda database, now: _see(database, subject, now, good, patience_s), at)

    def refreshed(
        self,
        list_id: str,
        result: Literal["published", "unchanged", "refused"],
        *,
        interval_s: float,
        at: float | None = None,
    ) -> None:
        """Note how a refresh of a list ended."""
        self.add(f"list:{list_id}", result, at=at)
        if result != "refused":
            self.seen(f"list:{list_id}", good=True, patience_s=GAP_INTERVALS * interval_s, at=at)

    def rows(self, start: float, end: float) -> list[Row]:
        """The hours that began at `start` or later, and before `end`. Raises StateError."""
        query = "SELECT * FROM hourly WHERE hour >= ? AND hour < ? ORDER BY hour, subject, what"
        return [Row(*row) for row in self._read(query, (start, end))]

    def spans(self, subject: str, start: float, end: float) -> list[Span]:
        """What was seen of a subject between two times, in order, cut off there. Raises StateError."""
        query = (
            "SELECT start, end, good FROM spans WHERE subject = ? AND end >= ? AND start < ? ORDER BY start"
        )
        return [
            Span(max(first, start), min(last, end), bool(good))
            for first, last, good in self._read(query, (subject, start, end))
        ]

    def last_good(self, subject: str) -> float | None:
        """When a subject was last seen in a good state. Raises StateError."""
        found = self._read("SELECT max(end) FROM spans WHERE subject = ? AND good", (subject,))
        value = found[0][0] if found else None
        return float(value) if isinstance(value, (int, float)) else None

    # ------------------------------------------------------------ the file

    def _read(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        if not self._path.exists():
            return []
        try:
            # Writable where it may be: what a killed writer left half done is undone by who opens it next.
            with closing(
                sqlite3.connect(f"{self._path.as_uri()}?mode=rw", timeout=_BUSY_S, uri=True)
            ) as file:
                return file.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StateError(f"the history cannot be read: {error}") from None

    def _write(self, change: Callable[[sqlite3.Connection, float], object], at: float | None) -> None:
        now = self._clock() if at is None else at
        try:
            with self._open() as database:
                change(database, now)
                self._prune(database)
        except (sqlite3.Error, OSError) as error:
            if self._rests(self._said_at):
                return
            self._said_at = self._clock()
            _log.warning("the history cannot be written (%s): certificates will lack this time", error)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A transaction. SQLite gives its journal the mode of the file, so the file is made first."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        stamp = self._path.stat()
        try:
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as database, database:
                database.executescript(_SCHEMA)
                database.execute("BEGIN IMMEDIATE")
                yield database
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._set_aside(stamp)
            raise

    def _set_aside(self, stamp: os.stat_result) -> None:
        """A damaged file would keep all that is to come from being written."""
        with contextlib.suppress(OSError):
            if os.path.samestat(stamp, self._path.stat()):
                self._path.replace(self._path.with_suffix(".damaged"))

    def _prune(self, database: sqlite3.Connection) -> None:
        if self._rests(self._pruned_at):
            return
        oldest = database.execute(_OLDEST_KEPT, (KEPT_HOURS - 1,)).fetchone()
        if oldest is not None:
            database.execute("DELETE FROM hourly WHERE hour < ?", oldest)
            database.execute("DELETE FROM spans WHERE end < ?", oldest)
        self._pruned_at = self._clock()

    def _rests(self, done_at: float | None) -> bool:
        return done_at is not None and 0 <= self._clock() - done_at < HOUR_S


def _hour(at: float) -> int:
    return int(at // HOUR_S) * HOUR_S


def _see(database: sqlite3.Connection, subject: str, at: float, good: bool, patience_s: float) -> None:
    query = "SELECT start, end, good FROM spans WHERE subject = ? AND start <= ? ORDER BY start DESC LIMIT 1"
    set_end = "UPDATE spans SET end = ? WHERE subject = ? AND start = ?"
    last = database.execute(query, (subject, at)).fetchone()
    start = at
    if last is not None and at - last[1] <= patience_s:
        before = Span(last[0], last[1], bool(last[2]))
        if before.good is good:
            database.execute(set_end, (max(before.end, at), subject, before.start))
            return
        start = min(before.end, at) if before.good else at
        database.execute(set_end, (start, subject, before.start))
    database.execute("INSERT OR REPLACE INTO spans VALUES (?, ?, ?, ?)", (subject, start, at, good))
