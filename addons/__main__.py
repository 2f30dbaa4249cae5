"""`python -m addons --config FILE`: the role `proxy`, mitmproxy with the filter and nothing else in it.

Exit codes as in `cop_filter.cli.exits`.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from addons import proxy
from cop_filter import config as configuration
from cop_filter import logs, privileges
from cop_filter.cli.exits import exit_code_of
from cop_filter.config import Config, ProxyConfig
from cop_filter.errors import ConfigError

_FIRST_FREE_PORT = 1024
"""The kernel's net.ipv4.ip_unprivileged_port_start, unless somebody changed it."""


def main() -> int:
    """Read the configuration and serve until SIGTERM or SIGINT."""
    logs.set_up()
    parser = argparse.ArgumentParser(prog="python -m addons", description="cop-filter's HTTP proxy")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    path = parser.parse_args().config
    return exit_code_of(lambda: _serve(path))


def _serve(path: Path) -> None:
    config = configuration.load(path)
    if config.proxy is None:
        raise ConfigError(["proxy: is missing; the role needs its table: add [proxy]"])
    _give_up_privileges(config, config.proxy)
    asyncio.run(proxy.serve(path, config.state_dir, config.proxy))


def _give_up_privileges(config: Config, proxy: ProxyConfig) -> None:
    """mitmproxy binds its port itself and reads from it at once, so all is given up before that.

    A port below 1024 takes CAP_NET_BIND_SERVICE, which an ordinary user who was given it then keeps.
    """
    account = privileges.account(config.user, config.group)
    if proxy.listen.port >= _FIRST_FREE_PORT or (account is None and os.geteuid() == 0):
        privileges.give_up(account, config.state_dir)
    elif os.geteuid() == 0:
        problem = f"root must bind port {proxy.listen.port}, but is given up before; choose a port from"
        hint = f"{_FIRST_FREE_PORT}, or start this as `user` with CAP_NET_BIND_SERVICE"
        raise ConfigError([f"proxy.listen: {problem} {hint}"])


if __name__ == "__main__":
    sys.exit(main())
