"""``python -m dns_resolver --config FILE``: the role ``dns``. Exit codes as in ``cop_filter.cli.exits``."""

import argparse
import errno
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cop_filter import config as configuration
from cop_filter import logs, oracle_sharing, privileges, secrecy
from cop_filter._native import Oracle
from cop_filter.cli.exits import Exit, exit_code_of
from cop_filter.config import Config, DnsConfig
from cop_filter.errors import ConfigError, CopFilterError
from cop_filter.report import counters
from cop_filter.rollout import share as share_of
from dns_resolver import control, cookie_secret, listeners

_log = logging.getLogger("dns_resolver")


def main() -> int:
    """Read the configuration, bind the ports, serve until SIGTERM or SIGINT."""
    secrecy.keep()
    logs.set_up()
    parser = argparse.ArgumentParser(prog="python -m dns_resolver", description="cop-filter's DNS resolver")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    path = parser.parse_args().config
    return exit_code_of(lambda: _serve(path))


def _serve(path: Path) -> Exit:
    config = configuration.load(path)
    if config.dns is None:
        raise ConfigError(["dns: is missing; the role needs its table: add [dns]"])
    account = privileges.account(config.user, config.group)
    secret = cookie_secret.take(config.dns.cookie_secret_file)
    shares = _bind(config.dns)
    _log.info("listening on every address of dns.listen")
    privileges.give_up(account, config.state_dir)
    # prometheus-client looks at this variable when it is imported, so `role` is imported behind it.
    if counters.VARIABLE not in os.environ:
        os.environ[counters.VARIABLE] = str(counters.prepare(config.state_dir))
    told = oracle_sharing.joined(config.oracle)  # before the workers are forked, who share it
    if len(shares) == 1:
        return _work(config, config.dns, shares[0], secret, told, canary=share_of.dns_worker(config, 0, 1))
    return _supervise(config, config.dns, shares, secret, told)


def _supervise(
    config: Config, dns: DnsConfig, shares: list[list[listeners.Listening]], secret: bytes, told: Oracle
) -> Exit:
    from dns_resolver import workers  # noqa: PLC0415 - one process alone is ready sooner without

    def work(share: Sequence[listeners.Listening]) -> Exit:
        number = next(number for number, one in enumerate(shares) if one is share)
        path = dns.control and control.path_of(dns.control, number, len(shares))
        canary = share_of.dns_worker(config, number, len(shares))
        own = replace(dns, control=path)
        return exit_code_of(lambda: _work(config, own, share, secret, told, canary=canary))

    def on_death() -> None:
        counters.forget_gauges(Path(os.environ[counters.VARIABLE]))

    return workers.supervise(shares, work, on_death)


def _bind(dns: DnsConfig) -> list[list[listeners.Listening]]:
    try:
        return listeners.bind_all(dns.listen, dns.workers)
    except ConfigError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
            # The configuration may well be right: another process has the port now.
            raise CopFilterError(str(error)) from None
        raise


def _work(
    config: Config,
    dns: DnsConfig,
    share: Sequence[listeners.Listening],
    secret: bytes,
    told: Oracle,
    *,
    canary: bool,
) -> Exit:
    from dns_resolver import role  # noqa: PLC0415 - see above

    return role.run(config, dns, share, secret, told, canary=canary)


if __name__ == "__main__":
    sys.exit(main())
