"""`status`, `rollback`, `release` and `config check`: what an operator asks and does about the state."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

import click

from cop_filter.audit import Audit
from cop_filter.cli.actor import account_name, as_account
from cop_filter.cli.exits import Exit
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.errors import ConfigError
from cop_filter.push import wake
from cop_filter.report.alarms import Alarm, alarms
from cop_filter.report.current import current_situation
from cop_filter.report.situation import Situation
from cop_filter.report.status import ListRow, Status
from cop_filter.rollout.going_back import go_back
from cop_filter.store import Store


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def status(settings: Settings, as_json: bool) -> Exit:
    """Show each list, and what somebody has to look at. Ends with 1 when there is such an alarm."""
    now = time.time()
    config = settings.config()
    existing_state(config)
    situation = current_situation(config, now)
    found, lasting = situation.status, alarms(situation)
    if as_json:
        trial = None if situation.trial is None else asdict(situation.trial)
        shown = {**asdict(found), "trial": trial, "alarms": [one._asdict() for one in lasting]}
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(status_text(found, now) + trial_text(situation) + alarms_text(lasting), nl=False)
    return Exit.REFUSED if lasting else Exit.OK


def trial_text(situation: Situation) -> str:
    """A line while a generation is on trial."""
    trial = situation.trial
    if trial is None:
        return ""
    left = _span(max(0.0, trial.until - situation.now))
    return f"on trial: generation {trial.newest}, on {trial.share:.0%} of the workers, for {left} more\n"


def alarms_text(lasting: Sequence[Alarm]) -> str:
    """One line for each."""
    return "".join(
        f"ALARM {one.name}{f' {one.subject}' if one.subject else ''}: {one.text}\n" for one in lasting
    )


def status_text(found: Status, now: float) -> str:
    """The status as a table, with what went wrong below a list's row."""
    if found.generation is None:
        head = "nothing is published yet: nothing is blocked\n"
    else:
        age = "" if found.created_at is None else f", published {_span(now - found.created_at)} ago"
        head = f"generation {found.generation}{age}\n"
    rows: list[tuple[str, ...]] = [("LIST", "STATE", "MODE", "ENTRIES", "AGE", "CHECKED", "NEXT TRY")]
    rows += [_cells(row, now) for row in found.lists]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    text = head
    for line, about in zip(lines, (None, *found.lists), strict=True):
        text += line.rstrip() + "\n"
        if about is not None and about.profiles:
            text += f"    for clients of: {', '.join(about.profiles)}\n"
        if about is not None and about.last_error and about.state != "ok":
            text += f"    last error: {about.last_error}\n"
    return text


def _cells(row: ListRow, now: float) -> tuple[str, ...]:
    checked = "never" if row.checked_at is None else f"{_span(now - row.checked_at)} ago"
    if row.next_try is None:
        following = "-"
    else:
        following = f"in {_span(row.next_try - now)}" if row.next_try > now else "due"
    age = "-" if row.age_s is None else _span(row.age_s)
    return (row.id, row.state, row.mode, str(row.entries), age, checked, following)


def _span(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


@click.command()
@click.option("--to", metavar="GENERATION", type=click.IntRange(min=1), help="Which one. Default: see above.")
@click.option("--reason", default="", help="Why, for `status`; no listed name.")
@click.pass_obj
def rollback(settings: Settings, to: int | None, reason: str) -> None:
    """Put an older generation in force, and hold it there until `cop-filter release`.

    That is the one before the newest: while a new generation is on trial, the one that is in force. It
    is verified whole first. While it holds, nothing is published, be it a list or a change of policy.
    """
    config = settings.config()
    existing_state(config)
    store = Store.of(config)
    with as_account(config):
        hold = go_back(store, to, by=_by(), reason=reason, now=time.time())
        # Noted, not recorded: a broken log must not stand in the way of going back.
        Audit(config).note("rolled_back", generation=hold.generation, before=hold.before, by=account_name())
    click.echo(
        f"rolled back from generation {hold.before} to {hold.generation}, which holds until "
        "`cop-filter release`"
    )


@click.command()
@click.option(
    "--refuse",
    "refused",
    metavar="LIST",
    multiple=True,
    help="The version of this list that was rolled back waits in quarantine; may be given several times.",
)
@click.pass_obj
def release(settings: Settings, refused: tuple[str, ...]) -> Exit:
    """End the hold of a rollback: lists are fetched and published again.

    What was rolled back comes again, unless its authority has another version by then, or --refuse names it.
    """
    config = settings.config()
    existing_state(config)
    store = Store.of(config)
    with as_account(config):
        held = store.stages.release(refused=frozenset(refused), at=time.time())
        if held is None:
            click.echo("no rollback holds")
            return Exit.REFUSED
        audit = Audit(config)
        audit.note("rollback_released", generation=held.generation, by=account_name())
        for list_id in sorted(set(refused)):
            audit.note("version_refused", list=list_id, by=account_name())
        for one in config.lists:
            wake.ask(config.state_dir, one.id)
    click.echo("released: lists are published again, at once where `cop-filter sync --watch` runs")
    return Exit.OK


def _by() -> str:
    """Whose command this is: the account, and behind root the one who became it."""
    behind = os.environ.get("SUDO_USER")
    return account_name() if behind in (None, account_name()) else f"{account_name()} for {behind}"


@click.group()
def config() -> None:
    """Look at the configuration."""


@config.command("check")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def config_check(settings: Settings, as_json: bool) -> Exit:
    """Read the whole configuration and name every mistake with its key path."""
    try:
        found = settings.config()
    except ConfigError as exc:
        if not as_json:
            raise
        json.dump({"ok": False, "problems": exc.problems}, sys.stdout)
        click.echo()
        return Exit.USAGE
    tables = [name for name in ("dns", "proxy", "splash", "metrics") if getattr(found, name) is not None]
    lists = [one.id for one in found.lists]
    profiles = [one.id for one in found.profiles]
    roles = ["sync", *tables]
    if as_json:
        said = {"ok": True, "problems": [], "lists": lists, "profiles": profiles, "roles": roles}
        click.echo(json.dumps(said))
    else:
        click.echo(f"{settings.config_path}: ok")
        click.echo(f"lists: {', '.join(lists)}")
        if profiles:
            click.echo(f"profiles: {', '.join(profiles)}")
        click.echo(f"roles: {', '.join(roles)}")
    return Exit.OK
