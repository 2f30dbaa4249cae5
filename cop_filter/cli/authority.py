"""`cop-filter authority`: keep, sign and publish a list. For those who supply lists, not for operators."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cop_filter.cli.authority_keys import KEY_HELP, key_text, keys, members, open_desk, say_key_set
from cop_filter.cli.authority_receivers import receivers, trace
from cop_filter.cli.exits import Exit
from cop_filter.config.values import duration
from cop_filter.signing import PublicKey, SigningKey

if TYPE_CHECKING:
    from cop_filter.authority.folder import Shelf
    from cop_filter.authority.overview import Signed

DEFAULT_DIR = Path("/var/lib/cop-filter-authority")
_PEM = click.Path(path_type=Path, exists=True, dir_okay=False)
_DAY_S = 86_400


@click.group()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="COP_FILTER_AUTHORITY",
    default=DEFAULT_DIR,
    show_default=True,
    show_envvar=True,
    help="Where the list is kept. Back it up, and let nobody else read it.",
)
@click.pass_context
def authority(context: click.Context, folder: Path) -> None:
    """Keep, sign and publish a list: for authorities and hotlines.

    \b
    init, then again and again:
    add or remove ──> sign ──> publish
    """
    context.obj = folder


@authority.command()
@click.argument("name")
@click.option("--key", "holders", type=key_text, metavar="KEY", multiple=True, required=True, help=KEY_HELP)
@click.option("--threshold", type=int, default=1, show_default=True, help="How many of them must sign.")
@click.pass_obj
def init(folder: Path, name: str, holders: "tuple[SigningKey | PublicKey, ...]", threshold: int) -> None:
    """Begin a list. Subscribers know it by NAME, and it is signed by the holders of these keys."""
    everyone, signers = members(holders)
    lacking = open_desk(folder).begin(name, everyone, threshold, signers)
    click.echo(f"list {name} is begun in {folder}")
    say_key_set(folder, lacking)
    click.echo("subscribers need these keys in their configuration:")
    click.echo(f"  keys = {json.dumps([str(key) for key in everyone])}\n  threshold = {threshold}")


@authority.command()
@click.argument("source", metavar="FILE | -", type=click.File("rb"))
@click.option("--canary", is_flag=True, help="Harmless entries, for subscribers to probe their filter with.")
@click.pass_obj
def add(folder: Path, source: click.File, canary: bool) -> None:
    """Add entries, one a line: all of them, or none if a line is wrong. "-" reads standard input.

    \b
    bad.example              the host and all hosts below it
    =www.bad.example         exactly this host
    http://h.example/page    this page
    http://h.example/dir/    everything below
    """
    edited = open_desk(folder).add(_read(source), _shelf(canary))
    click.echo(f"{edited.changed} added, {edited.unchanged} were there; {edited.entries} in the list")


@authority.command()
@click.argument("source", metavar="FILE | -", type=click.File("rb"))
@click.option("--canary", is_flag=True, help="Take them from the canaries.")
@click.pass_obj
def remove(folder: Path, source: click.File, canary: bool) -> None:
    """Remove entries, one a line: all of them, or none if one is not in the list."""
    edited = open_desk(folder).remove(_read(source), _shelf(canary))
    click.echo(f"{edited.changed} removed; {edited.entries} in the list")


def _read(source: object) -> bytes:
    return source.read()  # type: ignore[attr-defined, no-any-return]  # click gives the open file


def _shelf(canary: bool) -> "Shelf":
    return "canaries" if canary else "entries"


@authority.command()
@click.argument("documents", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--key", "key_files", type=_PEM, multiple=True, required=True, help="A private key's file.")
@click.option("--expires", metavar="TIME", help="A new version, good for so long, such as 30d. Default: 7d.")
@click.option("--after", type=int, default=0, help="A new version with a higher number than this.")
@click.pass_obj
def sign(
    folder: Path, documents: tuple[Path, ...], key_files: tuple[Path, ...], expires: str | None, after: int
) -> None:
    """Sign the list as it is now, or the documents and folders named.

    With a threshold, each further person signs too: here, or on another machine a copy of the folder that
    this command names, which is then put back. Subscribers see nothing before `publish`.
    """
    from cop_filter.authority.editing import counted  # noqa: PLC0415  see open_desk
    from cop_filter.authority.signatures import sign_files  # noqa: PLC0415  see open_desk

    loaded = [SigningKey.load(key) for key in key_files]
    if documents:
        if expires is not None or after:
            raise click.UsageError("a document's times are signed as they are: no --expires, no --after")
        for file in sign_files(documents, loaded):
            click.echo(f"signed {file.path}: {file.summary}")
        return
    try:
        life_s = duration(3600, 366 * _DAY_S)(expires or "7d")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from None
    desk = open_desk(folder)
    signed = desk.sign(loaded, time.time(), life_s=life_s, again=expires is not None, after=after)
    _say(signed)
    if signed.lacking:
        more = counted(signed.lacking, "more signature", "more signatures")
        click.echo(
            f"it needs {more}: each further holder runs "
            f"`cop-filter authority sign {signed.place} --key KEY.pem`, on a copy of it or here"
        )
    else:
        click.echo("next: `cop-filter authority publish FOLDER`")


def _say(signed: "Signed") -> None:
    until = datetime.fromtimestamp(signed.expires, UTC)
    click.echo(
        f"version {signed.number}: {signed.lines} lines, good until {until:%Y-%m-%d %H:%M} UTC, "
        f"for {', '.join(signed.copies)}"
    )


@authority.command()
@click.argument("target", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def publish(folder: Path, target: Path) -> None:
    """Write what subscribers fetch into FOLDER, which any web server can serve.

    Each copy has a folder of its own there; a subscriber's source ends with that folder's name.
    """
    desk = open_desk(folder)
    signed = desk.publish(target)
    _say(signed)
    if desk.changed_since(signed.number):
        click.echo("the list has changed since: `sign` and `publish` again for subscribers to see it")
    name = signed.copies[0].partition(".")[0]
    for other in sorted(path.name for path in target.iterdir()):
        if other.partition(".")[0] == name and other not in signed.copies:
            click.echo(f"{target / other} is renewed no more: delete it when nobody fetches it")


@authority.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(folder: Path, as_json: bool) -> Exit:
    """Show the list in figures, never an entry. Ends with 1 when what is published has expired."""
    from cop_filter.authority.folder import Folder  # noqa: PLC0415  see open_desk
    from cop_filter.authority.overview import overview  # noqa: PLC0415

    said = overview(Folder(folder))
    if as_json:
        json.dump(said, sys.stdout, indent=2)
        click.echo()
    else:
        for name, value in said.items():
            click.echo(f"{name.replace('_', ' ')}: {_shown(value)}")
    published = said["published"]
    expired = isinstance(published, dict) and published["expires"] <= time.time()
    if expired:
        click.echo("what subscribers are shown has expired: sign and publish", err=True)
    return Exit.REFUSED if expired else Exit.OK


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return (
            ", ".join(
                f"{name} {_shown(one) if name != 'expires' else _day(one)}" for name, one in value.items()
            )
            or "none"
        )
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _day(value: object) -> str:
    return f"{datetime.fromtimestamp(int(str(value)), UTC):%Y-%m-%d %H:%M} UTC"


for _command in (keys, receivers, trace):
    authority.add_command(_command)
