"""The roles: each runs until SIGTERM, alone under systemd or as a child of `cop-filter serve`."""

import os
import socket
from collections.abc import Callable

import click

from cop_filter import privileges, supervisor
from cop_filter.cli.settings import Settings
from cop_filter.config import Address, Config
from cop_filter.errors import ConfigError
from cop_filter.report import counters


@click.command()
@click.pass_obj
def serve(settings: Settings) -> None:
    """Run every role that the configuration has a table for, and restart one that dies."""
    supervisor.serve(settings.config(), settings.config_path)


@click.command()
@click.pass_obj
def dns(settings: Settings) -> None:
    """Run the DNS resolver."""
    _become("dns", settings)


@click.command()
@click.pass_obj
def proxy(settings: Settings) -> None:
    """Run mitmproxy with the filter in it."""
    _become("proxy", settings)


@click.command()
@click.pass_obj
def splash(settings: Settings) -> None:
    """Run the page that blocked people meet."""

    def run(config: Config, sock: socket.socket) -> None:
        from cop_filter.splash import server  # noqa: PLC0415  it looks at the environment when imported

        server.run(config, sock)

    _run("splash", settings, run)


@click.command()
@click.pass_obj
def metrics(settings: Settings) -> None:
    """Run the Prometheus endpoint."""

    def run(config: Config, sock: socket.socket) -> None:
        from cop_filter.report import endpoint  # noqa: PLC0415  it looks at the environment when imported

        endpoint.run(config, sock)

    _run("metrics", settings, run)


def count_here(config: Config) -> None:
    """Make this process count where all do; before prometheus_client is imported.

    A child of `serve` finds the folder prepared: it must not drop what its dead sisters counted.
    """
    if counters.VARIABLE not in os.environ:
        os.environ[counters.VARIABLE] = str(counters.prepare(config.state_dir))


def _run(name: str, settings: Settings, run: Callable[[Config, socket.socket], None]) -> None:
    """Bind the role's port, give up what was needed for that, and only then do anything else."""
    config = _with_table(name, settings)
    account = privileges.account(config.user, config.group)
    listen: Address = getattr(config, name).listen
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    with socket.create_server(listen, family=family) as sock:
        privileges.give_up(account, config.state_dir)
        count_here(config)
        run(config, sock)


def _become(name: str, settings: Settings) -> None:
    """Replace this process, so that the process id which systemd knows is the role's own."""
    config = _with_table(name, settings)
    with privileges.acting_as(privileges.account(config.user, config.group), config.state_dir):
        count_here(config)
    argv = supervisor.role(name, settings.config_path).argv
    os.execv(argv[0], argv)  # noqa: S606  no shell on purpose; our own interpreter and module


def _with_table(name: str, settings: Settings) -> Config:
    config = settings.config()
    if getattr(config, name) is None:
        raise ConfigError([f"{name}: is missing; the role needs its table: add [{name}]"])
    return config
