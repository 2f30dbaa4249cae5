"""`cop-filter top`: what the running filter does, live."""

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from cop_filter.cli.exits import Exit
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.config import Config
from cop_filter.config.values import duration
from cop_filter.report.counters import counters_dir
from cop_filter.report.current import current_status

if TYPE_CHECKING:
    from cop_filter.report.rates import Figures

_FIRST_LOOK_S = 1.0
_ALARMS = r"(?m)\b(lags|down|failing|overdue|never)\b|^FAULTS.*"


def _seconds(_context: click.Context, _option: click.Parameter, written: str) -> float:
    try:
        return float(duration(0.1, 3600)(written))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.option("--interval", default="1s", show_default=True, callback=_seconds, help="Between two looks.")
@click.option(
    "--once", is_flag=True, help="One interval as plain text; so too where the output is no terminal."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line for each interval.")
@click.pass_obj
def top(settings: Settings, interval: float, once: bool, as_json: bool) -> Exit:
    """Watch the filter at work: rates, latencies, upstreams, generations, lists; no name, no client.

    It reads the state folder and nothing else, beside whatever runs. Ends at Ctrl-C.
    """
    config = settings.config()
    existing_state(config)
    live = not (once or as_json) and sys.stdout.isatty() and Console().is_interactive
    ended = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if live:
            _watch(config, interval)
        else:
            _print(config, interval, as_json=as_json, once=once or not as_json)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, ended)
    return Exit.OK


def _watch(config: Config, interval_s: float) -> None:
    from cop_filter.cli.top_text import top_text  # noqa: PLC0415  metrics libraries, only for who asks

    # No refreshing in between: nothing is new there.
    with Live(Text("looking ..."), console=Console(), screen=True, auto_refresh=False) as live:
        for figures in _looks(counters_dir(config.state_dir), interval_s, min(interval_s, _FIRST_LOOK_S)):
            now = time.time()
            shown = Text(
                top_text(figures, current_status(config, now), now), no_wrap=True, overflow="ellipsis"
            )
            shown.highlight_regex(_ALARMS, "bold red")
            live.update(shown, refresh=True)


def _print(config: Config, interval_s: float, *, as_json: bool, once: bool) -> None:
    from cop_filter.cli.top_text import top_text  # noqa: PLC0415  as above

    for figures in _looks(counters_dir(config.state_dir), interval_s, interval_s):
        now = time.time()
        status = current_status(config, now)
        if as_json:
            click.echo(json.dumps({"at": now, **asdict(figures), **asdict(status)}))
        else:
            click.echo(top_text(figures, status, now), nl=False)
        if once:
            return


def _looks(folder: Path, interval_s: float, first_s: float) -> "Iterator[Figures]":
    """The figures of each interval at its end, for ever."""
    from cop_filter.report.rates import figures  # noqa: PLC0415  as above
    from cop_filter.report.samples import take  # noqa: PLC0415  as above

    before = take(folder, time.monotonic())
    time.sleep(first_s)
    while True:
        after = take(folder, time.monotonic())
        yield figures(before, after)
        before = after
        time.sleep(interval_s)
