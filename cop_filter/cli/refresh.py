"""`cop-filter sync`: fetch the lists and publish them, once or for ever."""

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import click
from rich.console import Console

from cop_filter import logs, privileges
from cop_filter.cli.exits import Exit
from cop_filter.cli.progress import Bars
from cop_filter.cli.roles import count_here
from cop_filter.cli.settings import Settings, refuse_read_only
from cop_filter.config import Config
from cop_filter.push.ports import Ports

if TYPE_CHECKING:
    from cop_filter.sync import Outcome


@click.command()
@click.argument("ids", metavar="[LIST]...", nargs=-1)
@click.option("--watch", is_flag=True, help="Stay, and refresh each list at its interval; SIGHUP: all now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every list's outcome.")
@click.pass_obj
def sync(settings: Settings, ids: tuple[str, ...], watch: bool, as_json: bool) -> Exit:
    """Fetch every list, or those named, and publish what is whole and believable.

    A refused list leaves its last good version in force; without --watch the command then ends with 1.
    """
    if watch and (ids or as_json):
        raise click.UsageError("--watch refreshes every list and reports to the log: no LIST, no --json")
    config = settings.config()
    if not watch:
        refuse_read_only(config)
    account = privileges.account(config.user, config.group)
    if watch:
        # Ports that only root may bind come first.
        ports = Ports.bind(config.push)
        privileges.give_up(account, config.state_dir)
        with privileges.acting_as(account, config.state_dir):
            return _watch(config, ports)
    with privileges.acting_as(account, config.state_dir):
        return _once(config, ids, as_json)


def _watch(config: Config, ports: Ports) -> Exit:
    count_here(config)
    from cop_filter import sync as syncing  # noqa: PLC0415  it looks at the environment when imported

    asyncio.run(syncing.watch(config, ports=ports))
    return Exit.OK


def _once(config: Config, ids: tuple[str, ...], as_json: bool) -> Exit:
    count_here(config)
    from cop_filter import sync as syncing  # noqa: PLC0415  it looks at the environment when imported

    # What became of each list is printed below; the log would only say it twice, across the bars.
    logs.set_up(logging.WARNING)
    with Bars(Console(stderr=True)) as bars:
        outcomes = asyncio.run(syncing.run_once(config, progress=bars, only=ids or None))
    click.echo(outcomes_json(outcomes) if as_json else outcomes_text(outcomes))
    refused = any(outcome.result == "refused" for outcome in outcomes.values())
    return Exit.REFUSED if refused else Exit.OK


def outcomes_json(outcomes: "dict[str, Outcome]") -> str:
    """One object: list id -> result, entries, generation, error."""
    shown = ("result", "entries", "generation", "error")
    return json.dumps(
        {list_id: {name: getattr(one, name) for name in shown} for list_id, one in outcomes.items()}
    )


def outcomes_text(outcomes: "dict[str, Outcome]") -> str:
    """One line a list."""
    return "\n".join(_line(list_id, outcome) for list_id, outcome in outcomes.items())


def _line(list_id: str, outcome: "Outcome") -> str:
    in_force = f"{outcome.entries} entries in force"
    if outcome.generation is not None:
        in_force += f", generation {outcome.generation}"
    why = f" ({outcome.error})" if outcome.error else ""
    return f"{list_id}: {outcome.result}{why}; {in_force}"
