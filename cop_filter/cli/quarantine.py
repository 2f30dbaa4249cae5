"""`cop-filter quarantine`: what a guard refused, and people's decision about it."""

import codecs
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cop_filter.cli.actor import account_name, as_account
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.config import Config
from cop_filter.errors import StateError

if TYPE_CHECKING:
    from cop_filter.quarantine import Body, Quarantine
    from cop_filter.signing import SigningKey

_KEY = click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your signing key, made with `cop-filter keys new`.",
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_PIECE_BYTES = 1 << 16


@click.group()
def quarantine() -> None:
    """Look at versions of lists that a guard refused, and decide about them."""


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.pass_obj
def list_(settings: Settings, as_json: bool) -> None:
    """Show all of them: what they wait for, and which guards refused them."""
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import

    config = settings.config()
    with as_account(config):
        found = _opened(config).items()
    if as_json:
        click.echo(json.dumps([text.as_fields(one) for one in found], indent=2))
    else:
        click.echo(text.table(found) if found else "nothing is quarantined")


@quarantine.command()
@click.argument("item", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--reveal", is_flag=True, help="Print the entries: takes rights.reveal, and is audited first.")
@_KEY
@click.pass_obj
def show(settings: Settings, item: str, as_json: bool, reveal: bool, key_file: Path | None) -> None:
    """Show one: counts, classes of names and reasons. No entry, unless --reveal is given."""
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import

    if reveal and as_json:
        raise click.UsageError("--reveal prints the list as it came: without --json")
    if key_file is not None and not reveal:
        raise click.UsageError("--key is for --reveal")
    config = settings.config()
    key = _loaded(key_file)
    with as_account(config):
        opened = _opened(config)
        if reveal:
            _print(opened.reveal(item, key))
            return
        found = opened.standing(item)
    click.echo(json.dumps(text.as_fields(found), indent=2) if as_json else text.details(found))


@quarantine.command()
@click.argument("item", metavar="ID")
@_KEY
@click.pass_obj
def approve(settings: Settings, item: str, key_file: Path | None) -> None:
    """Let this very version go live, once as many people as the list asks for have approved it."""
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import
    from cop_filter.push import wake  # noqa: PLC0415

    config = settings.config()
    key = _loaded(key_file)
    with as_account(config):
        opened = _opened(config)
        standing = opened.approve(item, key, account_name())
        found = opened.item(item)
        said = text.decided(found, standing)
        if standing.state == "released":
            try:
                wake.ask(config.state_dir, found.list_id)
            except StateError as error:
                said += f" ({error})"
    click.echo(said)


@quarantine.command()
@click.argument("item", metavar="ID")
@_KEY
@click.pass_obj
def reject(settings: Settings, item: str, key_file: Path | None) -> None:
    """Remove this version and keep its report: it stays refused as long as the report is kept."""
    config = settings.config()
    key = _loaded(key_file)
    with as_account(config):
        _opened(config).reject(item, key, account_name())
    click.echo("rejected: the list is removed, its report is kept")


def _opened(config: Config) -> "Quarantine":
    from cop_filter.quarantine import Quarantine  # noqa: PLC0415  slow to import
    from cop_filter.store import Store  # noqa: PLC0415

    existing_state(config)
    return Quarantine(Store.of(config), config)


def _loaded(key_file: Path | None) -> "SigningKey | None":
    """A person's own file: read before root acts as the account that has the state folder."""
    from cop_filter.signing import SigningKey  # noqa: PLC0415  slow to import

    return None if key_file is None else SigningKey.load(key_file)


def _print(body: "Body") -> None:
    """To standard output alone. A hostile list must not command the terminal that it is shown on."""
    parts = [*body.raw.items(), *([("lines that go", body.removed)] if body.removed else [])]
    for name, content in parts:
        if name:
            click.echo(f"== {_CONTROLS.sub(_shown, name)}")
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        for start in range(0, len(content), _PIECE_BYTES):
            text = decoder.decode(content[start : start + _PIECE_BYTES])
            click.echo(_CONTROLS.sub(_shown, text), nl=False)
        click.echo(_CONTROLS.sub(_shown, decoder.decode(b"", final=True)))


def _shown(control: re.Match[str]) -> str:
    return f"\\x{ord(control[0]):02x}"
