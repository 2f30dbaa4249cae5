"""`cop-filter audit`: is the log the one that was written, and what does it tell."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from cop_filter.audit import Audit, Line, lines
from cop_filter.audit import verify as verify_log
from cop_filter.cli.actor import as_account
from cop_filter.cli.exits import Exit
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.signing import PublicKey


@click.group()
def audit() -> None:
    """Verify and show the audit log: every change of lists, policy and keys, and who approved it."""


@audit.command()
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An earlier `cop-filter audit checkpoint`, kept elsewhere: shows an exchanged or restored log.",
)
@click.option("--key", "key_words", metavar="PUBLIC", multiple=True, help="Whose log it must be: ed25519:...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def verify(settings: Settings, checkpoint_file: Path | None, key_words: Sequence[str], as_json: bool) -> Exit:
    """Find any edit, deletion, insertion, exchange or cut. Ends with 1 when there is one.

    Without --key, the key is the one that lies beside the log: who exchanged both is found by a
    checkpoint or a key that was kept elsewhere.
    """
    config = settings.config()
    existing_state(config)
    log = Audit(config)
    with as_account(config):
        keys = [_key(word) for word in key_words] or [log.public_key()]
        exported = None if checkpoint_file is None else checkpoint_file.read_bytes()
        found = verify_log(log.folder, keys, exported=exported)
    at = _time(found.at)
    if as_json:
        said = {"ok": True, "lines": found.head.lines, "digest": found.head.digest, "checkpoint_at": at}
        click.echo(json.dumps({**said, "key": str(found.key), "torn": found.torn}))
    else:
        click.echo(f"good: {found.head.lines} lines, checkpoint of {at}, signed by {found.key}")
        if found.torn:
            click.echo("a crash tore the line behind the last one; the next line will replace it")
    return Exit.OK


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def show(settings: Settings, as_json: bool) -> None:
    """Print the log, oldest first. Whether it is true, `audit verify` tells."""
    config = settings.config()
    existing_state(config)
    with as_account(config):
        for line in lines(Audit(config).folder):
            click.echo(_as_json(line) if as_json else _as_text(line))


@audit.command()
@click.pass_obj
def key(settings: Settings) -> None:
    """Print the public key whose signatures the log bears; keep it elsewhere."""
    config = settings.config()
    existing_state(config)
    with as_account(config):
        click.echo(str(Audit(config).public_key()))


@audit.command()
@click.pass_obj
def checkpoint(settings: Settings) -> Exit:
    """Print the signed word of how far the log has come; keep it elsewhere for `audit verify`."""
    config = settings.config()
    existing_state(config)
    with as_account(config):
        raw = Audit(config).checkpoint()
    if raw is None:
        click.echo("there is no audit log yet", err=True)
        return Exit.REFUSED
    click.echo(raw, nl=False)
    return Exit.OK


@audit.command()
@click.pass_obj
def restart(settings: Settings) -> None:
    """Put a broken log aside, or one of an older key, and begin a new one that names where it ended."""
    config = settings.config()
    existing_state(config)
    with as_account(config):
        Audit(config).restart()
    click.echo("a new audit log begins; the older one lies beside it")


def _key(word: str) -> PublicKey:
    try:
        return PublicKey.parse(word)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None


def _as_json(line: Line) -> str:
    told = {"line": line.number, "at": _time(line.at), "event": line.event, "facts": dict(line.facts)}
    return json.dumps(told)


def _as_text(line: Line) -> str:
    facts = "".join(f" {name}={fact}" for name, fact in line.facts.items())
    return f"{line.number}  {_time(line.at)}  {line.event}{facts}"


def _time(at: int) -> str:
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(at)
