"""The command line as a whole: options before the command, the commands, the exit codes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cop_filter import logs, secrecy
from cop_filter.cli import roles, state
from cop_filter.cli.audit import audit
from cop_filter.cli.authority import authority
from cop_filter.cli.certify import certify
from cop_filter.cli.check import check
from cop_filter.cli.exits import MEANINGS, Exit, exit_code_of
from cop_filter.cli.keys import keys
from cop_filter.cli.quarantine import quarantine
from cop_filter.cli.refresh import sync
from cop_filter.cli.selftest import selftest
from cop_filter.cli.settings import DEFAULT_CONFIG, Settings
from cop_filter.cli.top import top
from cop_filter.errors import CopFilterError

_EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:d}  {meaning}" for code, meaning in MEANINGS.items())


@click.group(
    epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="cop-filter", message="%(prog)s %(version)s")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="COP_FILTER_CONFIG",
    default=DEFAULT_CONFIG,
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.pass_context
def cop_filter(context: click.Context, config_path: Path) -> None:
    """Enforce authority-supplied lists of confirmed abuse URLs in DNS and HTTP."""
    logs.set_up()
    context.obj = Settings(config_path)


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running, and print how to try it by hand.")
def demo(keep: bool) -> Exit:
    """Show the whole filter at work on loopback: an authority, an origin, DNS, a proxy."""
    from cop_filter.demo import run as run_demo  # noqa: PLC0415  a demo's clients and servers, only for it

    return Exit.OK if run_demo(keep) == 0 else Exit.REFUSED


for _command in (
    roles.serve, roles.dns, roles.proxy, roles.splash, roles.metrics, sync, check,
    state.status, selftest, certify, top, state.rollback, state.release, state.config,
    quarantine, audit, keys, authority, demo,
):  # fmt: skip
    cop_filter.add_command(_command)


def run(argv: Sequence[str]) -> Exit:
    """Run one command line and give its exit code."""
    return exit_code_of(lambda: _run(argv))


def _run(argv: Sequence[str]) -> object:
    try:
        return cop_filter.main(list(argv), prog_name="cop-filter", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except click.Abort:
        raise CopFilterError("interrupted") from None


def main() -> None:
    """The entry point of `cop-filter`."""
    secrecy.keep()
    sys.exit(run(sys.argv[1:]))
