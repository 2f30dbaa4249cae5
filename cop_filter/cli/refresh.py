"""`cop-filter sync`: fetch the lists and publish them, once or for ever."""

import click
from rich.console import Console

from cop_filter.cli.exits import Exit
from cop_filter.cli.progress import Bars
from cop_filter.cli.roles import count_here
from cop_filter.cli.settings import Settings


@click.command()
@click.option("--watch", is_flag=True, help="Stay, and refresh each list at its interval.")
@click.pass_obj
def sync(settings: Settings, watch: bool) -> Exit:
    """Fetch every list and publish those that are whole and believable.

    A refused list leaves its last good version in force; without --watch the command then ends with 1.
    """
    config = settings.config()
    count_here(config)
    from cop_filter import sync as syncing  # noqa: PLC0415  it looks at the environment when imported

    if watch:
        syncing.watch(config)
        return Exit.OK
    with Bars(Console(stderr=True)) as bars:
        results = syncing.run_once(config, progress=bars)
    return Exit.OK if all(results) else Exit.REFUSED
