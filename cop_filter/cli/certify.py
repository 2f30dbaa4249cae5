"""`cop-filter certify`: a quarter's certificate, and its verification on any machine."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cop_filter import durable, privileges
from cop_filter.cli.exits import Exit
from cop_filter.cli.settings import Settings, existing_state
from cop_filter.signing import PublicKey

if TYPE_CHECKING:
    from cop_filter.certify.certificate import Render


@click.group(invoke_without_command=True)
@click.option("--quarter", "quarter_word", metavar="YEARQn", help="Such as 2026Q4; its bounds are in UTC.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.")
@click.option("--pdf", "with_pdf", is_flag=True, help="A PDF too; needs the extra `pdf` (fpdf2).")
@click.option("--font", type=click.Path(path_type=Path, dir_okay=False), help="A TrueType font for the PDF.")
@click.pass_context
def certify(
    context: click.Context, quarter_word: str | None, output: Path | None, with_pdf: bool, font: Path | None
) -> Exit | None:
    """Write a quarter's signed certificate: JSON, HTML, and a PDF if it is asked for.

    It tells of lists, gaps, canaries, decisions and the uptime of enforcement; never an entry or a client.
    Ends with 1 when the audit log cannot be believed: the certificate then says so.
    """
    if context.invoked_subcommand is not None:
        return None
    if quarter_word is None or output is None:
        raise click.UsageError("give --quarter and --output, or the command `verify`")
    settings: Settings = context.obj
    return _certify(settings, quarter_word, output, _renders(with_pdf, font))


def _certify(settings: Settings, quarter_word: str, output: Path, renders: "Mapping[str, Render]") -> Exit:
    from cop_filter.audit import Audit  # noqa: PLC0415  slow to import, as are those below
    from cop_filter.certify import certificate, facts, gather  # noqa: PLC0415
    from cop_filter.certify.quarter import Quarter  # noqa: PLC0415

    config = settings.config()
    now = time.time()
    try:
        quarter = Quarter.parse(quarter_word)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--quarter") from None
    if quarter.start > now:
        raise click.BadParameter("it has not begun", param_hint="--quarter")
    existing_state(config)
    account = privileges.account(config.user, config.group)
    audit = Audit(config)
    with privileges.acting_as(account, config.state_dir):
        said = facts.facts(config, gather.recorded(config, quarter, now))
        files = certificate.make(said, audit.signing_key(), renders)
    output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        durable.replace(output / name, content)
        click.echo(str(output / name))
    signed = certificate.digest(next(iter(files.values())))
    with privileges.acting_as(account, config.state_dir):
        audit.note("certificate_written", quarter=str(quarter), digest=signed)
    click.echo(f"verify with: cop-filter certify verify FILE --key {audit.public_key()}")
    return Exit.REFUSED if said["audit"] is not None and "broken" in said["audit"] else Exit.OK


def _renders(with_pdf: bool, font: Path | None) -> "dict[str, Render]":
    if not with_pdf:
        return {}
    from cop_filter.certify.pdf import pdf  # noqa: PLC0415  optional

    return {"pdf": lambda document, digest: pdf(document, digest, font)}


@certify.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", "key_word", metavar="PUBLICKEY", required=True, help="The operator's: ed25519:...")
def verify(file: Path, key_word: str) -> None:
    """Check a certificate on any machine: its signature, and the HTML and PDF beside it.

    FILE is the JSON, or one of the others with the JSON beside it. Ends with 1 when anything was changed.
    """
    from cop_filter.certify import certificate  # noqa: PLC0415  slow to import

    try:
        key = PublicKey.parse(key_word)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None
    found = certificate.verify(file, key)
    quarter = found.facts["quarter"]
    click.echo(f"good: {found.facts['operator']['name']}, {quarter['name']}")
    if not quarter["complete"]:
        click.echo("incomplete: the quarter had not ended")
    for name in found.files:
        click.echo(f"unchanged: {name}")
    for name in found.missing:
        click.echo(f"not here: {name}")
