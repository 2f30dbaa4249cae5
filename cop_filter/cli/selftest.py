"""`cop-filter selftest`: ask for canaries at the live listeners, once or for ever."""

import asyncio

import click

from cop_filter import privileges
from cop_filter.cli.exits import Exit
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.config import Config
from cop_filter.errors import ConfigError
from cop_filter.selftest import Result, Results


@click.command()
@click.option("--watch", is_flag=True, help="Stay, and test at each selftest.interval.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every result.")
@click.pass_obj
def selftest(settings: Settings, watch: bool, as_json: bool) -> Exit:
    """Ask the running resolver and proxy for canaries, as a client would. Ends with 1 unless all are blocked.

    Canaries are harmless entries of the lists, and a built-in one; a name that no list holds must pass.
    """
    if watch and as_json:
        raise click.UsageError("--watch reports to the log and to selftest.json: no --json")
    config = settings.config()
    if config.dns is None and config.proxy is None:
        raise ConfigError(["dns: is missing, and so is proxy: there is no listener to ask; add one of them"])
    account = privileges.account(config.user, config.group)
    if watch:
        from cop_filter.selftest import watch as watching  # noqa: PLC0415  slow to import

        privileges.give_up(account, config.state_dir)
        asyncio.run(watching.watch(config))
        return Exit.OK
    with privileges.acting_as(account, config.state_dir):
        results = _once(config)
    click.echo(results.to_json() if as_json else results_text(results))
    return Exit.OK if results.passed else Exit.REFUSED


def _once(config: Config) -> Results:
    from cop_filter.selftest import round as rounds  # noqa: PLC0415  slow to import

    existing_state(config)
    return asyncio.run(rounds.run(config))


def results_text(results: Results) -> str:
    """One line for each list at each listener."""
    head = "nothing is published yet" if results.generation is None else f"generation {results.generation}"
    return "\n".join([head, *map(_line, results.results)])


def _line(result: Result) -> str:
    what = f"{result.list_id}: {result.asked} asked" if result.expects == "block" else "what is not listed"
    why = f" ({result.reason})" if result.reason else ""
    return f"{result.state:<11}  {result.plane:<4}  {result.listener}  {what}{why}"
