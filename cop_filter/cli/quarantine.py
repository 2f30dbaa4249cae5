"""`cop-filter quarantine`: what a guard refused, and people's decision about it."""

import codecs
import json
import re
from typing import TYPE_CHECKING

import click

from cop_filter.cli.actor import account_name, as_account
from cop_filter.cli.quarantine_signing import Proof, opened, shows_proof, sign, statement
from cop_filter.cli.settings import Settings
from cop_filter.errors import StateError

if TYPE_CHECKING:
    from cop_filter.quarantine import Body

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
        found = opened(config).items()
    if as_json:
        click.echo(json.dumps([text.as_fields(one) for one in found], indent=2))
    else:
        click.echo(text.table(found) if found else "nothing is quarantined")


@quarantine.command()
@click.argument("item", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--reveal", is_flag=True, help="Print the entries: takes rights.reveal, and is audited first.")
@shows_proof
@click.pass_obj
def show(settings: Settings, item: str, as_json: bool, reveal: bool, proof: Proof) -> None:
    """Show one: counts, classes of names and reasons. No entry, unless --reveal is given."""
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import

    if reveal and as_json:
        raise click.UsageError("--reveal prints the list as it came: without --json")
    if proof.given and not reveal:
        raise click.UsageError("--key and --signed are for --reveal")
    config = settings.config()
    shown = proof.read()
    with as_account(config):
        ward = opened(config)
        if reveal:
            _print(ward.reveal(item, shown))
            return
        found = ward.standing(item)
    click.echo(json.dumps(text.as_fields(found), indent=2) if as_json else text.details(found))


@quarantine.command()
@click.argument("item", metavar="ID")
@shows_proof
@click.pass_obj
def approve(settings: Settings, item: str, proof: Proof) -> None:
    """Let this very version go live, once as many people as the list asks for have approved it."""
    from cop_filter.cli import quarantine_text as text  # noqa: PLC0415  slow to import
    from cop_filter.push import wake  # noqa: PLC0415

    config = settings.config()
    shown = proof.read()
    with as_account(config):
        ward = opened(config)
        standing = ward.approve(item, shown, account_name())
        found = ward.item(item)
        said = text.decided(found, standing)
        if standing.state == "released":
            try:
                wake.ask(config.state_dir, found.list_id)
            except StateError as error:
                said += f" ({error})"
    click.echo(said)


@quarantine.command()
@click.argument("item", metavar="ID")
@shows_proof
@click.pass_obj
def reject(settings: Settings, item: str, proof: Proof) -> None:
    """Remove this version and keep its report: it stays refused as long as the report is kept."""
    config = settings.config()
    shown = proof.read()
    with as_account(config):
        opened(config).reject(item, shown, account_name())
    click.echo("rejected: the list is removed, its report is kept")


quarantine.add_command(statement)
quarantine.add_command(sign)


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
