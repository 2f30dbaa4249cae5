"""`cop-filter authority receivers | trace`: who is given a list, and who let it out."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cop_filter.cli.exits import Exit

if TYPE_CHECKING:
    from cop_filter.authority.folder import Folder


@click.group()
def receivers() -> None:
    """Give each subscriber a copy with marks of its own, by which a leak is traced."""


def _folder(root: Path) -> "Folder":
    from cop_filter.authority.folder import Folder  # noqa: PLC0415  the command line must start fast

    return Folder(root)


@receivers.command("list")
@click.pass_obj
def receivers_list(folder: Path) -> None:
    """Name the receivers."""
    for name in _folder(folder).settings().receivers:
        click.echo(name)


@receivers.command("domains")
@click.argument("domains", nargs=-1, required=True)
@click.pass_obj
def receivers_domains(folder: Path, domains: tuple[str, ...]) -> None:
    """Say under which domains marks lie: several, that you own, let rest, and use for nothing else."""
    from cop_filter.authority import receivers as marked  # noqa: PLC0415  see _folder

    marked.mark_under(_folder(folder), domains)
    click.echo("from the next version on")


@receivers.command("add")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def receivers_add(folder: Path, names: tuple[str, ...]) -> None:
    """Give these a copy of their own. With the first, the copy for everybody ends."""
    from cop_filter.authority import receivers as marked  # noqa: PLC0415  see _folder

    _say_receivers(marked.add(_folder(folder), names))


@receivers.command("remove")
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def receivers_remove(folder: Path, names: tuple[str, ...]) -> None:
    """Make no more copies for these. A leak of theirs can still be traced."""
    from cop_filter.authority import receivers as marked  # noqa: PLC0415  see _folder

    _say_receivers(marked.remove(_folder(folder), names))


def _say_receivers(names: tuple[str, ...]) -> None:
    who = ", ".join(names) or "nobody: there is one copy, without marks"
    click.echo(f"from the next version on, receivers are {who}")


@click.command()
@click.argument("leaked", metavar="FILE | -", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object: receiver -> marks found.")
@click.pass_obj
def trace(folder: Path, leaked: click.File, as_json: bool) -> Exit:
    """Say whose copy a leaked list is, whole or in part, in whatever format. Ends with 1 for nobody's."""
    from cop_filter.authority import receivers as marked  # noqa: PLC0415  see _folder

    found = marked.trace(_folder(folder), leaked.read())  # type: ignore[attr-defined]  # click opens it
    if as_json:
        json.dump({one.receiver: one.found for one in found}, sys.stdout)
        click.echo()
    else:
        for one in found:
            click.echo(f"{one.receiver}: {one.found} of {one.of} marks")
        if not found:
            click.echo("no receiver's mark is in it")
    return Exit.OK if found else Exit.REFUSED
