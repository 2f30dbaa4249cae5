"""The Prometheus endpoint: what all processes counted, and the age and size of every list.

No label carries a name, a URL or a client: labels are list ids, planes, actions and fixed words.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from cop_filter.config import Config
from cop_filter.errors import CopFilterError
from cop_filter.report.alarms import ALARM_NAMES, Alarm, alarms
from cop_filter.report.counters import counters_dir, forget_gauges
from cop_filter.report.current import current_situation
from cop_filter.report.situation import Situation
from cop_filter.report.status import STATES, ListRow

_LIST_FIGURES: tuple[tuple[str, str, Callable[[ListRow], float | None]], ...] = (
    ("list_entries", "Entries in force", lambda row: row.entries),
    ("list_age_seconds", "Time since the list in force was published", lambda row: row.age_s),
    ("list_checked_timestamp_seconds", "Last try to refresh", lambda row: row.checked_at),
    ("list_next_try_timestamp_seconds", "Next planned refresh", lambda row: row.next_try),
    (
        "list_confirmed_timestamp_seconds",
        "When its source last said it is this",
        lambda row: row.confirmed_at,
    ),
    ("list_expires_timestamp_seconds", "When its authority lets it expire", lambda row: row.expires_at),
)


class ListCollector(Collector):
    """The state of the lists, read afresh at every scrape."""

    def __init__(self, read: Callable[[], Situation]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """The families; when the state folder cannot be read, only the alarm that says so."""
        try:
            situation = self._read()
        except (CopFilterError, OSError):
            return [_single("state_readable", "1 when the state folder can be read", 0)]
        return self._families(situation)

    @staticmethod
    def _families(situation: Situation) -> Iterator[Metric]:
        status = situation.status
        yield _single("state_readable", "1 when the state folder can be read", 1)
        yield _single("generation", "The published generation, 0 before the first", status.generation or 0)
        if status.created_at is not None:
            yield _single("generation_timestamp_seconds", "When it was published", status.created_at)
        for name, text, figure in _LIST_FIGURES:
            family = GaugeMetricFamily(f"cop_filter_{name}", text, labels=["list"])
            for row in status.lists:
                value = figure(row)
                if value is not None:
                    family.add_metric([row.id], value)
            yield family
        states = GaugeMetricFamily(
            "cop_filter_list_state", "1 for the list's state", labels=["list", "state"]
        )
        for row in status.lists:
            for state in STATES:
                states.add_metric([row.id, state], float(row.state == state))
        yield states
        yield from _alarms(situation)


def _alarms(situation: Situation) -> Iterator[Metric]:
    family = GaugeMetricFamily("cop_filter_alarm", "1 while it lasts", labels=["alarm", "subject"])
    counts = dict.fromkeys(ALARM_NAMES, 0)
    lasting: dict[tuple[str, str], None] = {}
    for alarm in alarms(situation):
        counts[alarm.name] += 1
        lasting.setdefault((alarm.name, alarm.subject))
    for labels in lasting:
        family.add_metric(labels, 1)
    yield family
    # Always there, so that a rule can tell "no alarm" from "no figures".
    total = GaugeMetricFamily("cop_filter_alarms", "How many of each last", labels=["alarm"])
    for name, count in counts.items():
        total.add_metric([name], count)
    yield total


def _single(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"cop_filter_{name}", text, value=value)


def scrape(config: Config) -> bytes:
    """One answer in the Prometheus text format. Blocks.

    Without the folder of the counters there are still the lists, and the alarm when those are gone too.
    """
    folder = counters_dir(config.state_dir)
    forget_gauges(folder)
    registry = CollectorRegistry()
    if folder.is_dir():
        MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]  # theirs to annotate
    registry.register(ListCollector(lambda: current_situation(config)))
    return generate_latest(registry)


def _lasting(config: Config) -> tuple[Alarm, ...]:
    try:
        return alarms(current_situation(config))
    except (CopFilterError, OSError):
        return (
            Alarm("state_unreadable", "", "the state folder cannot be read; look at `cop-filter status`"),
        )


def create_app(config: Config) -> web.Application:
    """The application: GET /metrics, GET /health and nothing else.

    /health gives the alarms as JSON, with status 200 when there is none and 503 when there is.
    """
    # One scrape at a time: each reads every counter file, and a burst must not pile up threads.
    turn = asyncio.Lock()

    async def metrics(_: web.Request) -> web.Response:
        async with turn:
            body = await asyncio.to_thread(scrape, config)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        async with turn:
            lasting = await asyncio.to_thread(_lasting, config)
        found = [alarm._asdict() for alarm in lasting]
        return web.json_response({"healthy": not found, "alarms": found}, status=503 if found else 200)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/health", health)
    return app


def run(config: Config, sock: socket.socket) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT; the caller has made the folder of the counters."""
    # No access log: it would write down who asks.
    web.run_app(create_app(config), sock=sock, access_log=None, print=None)
