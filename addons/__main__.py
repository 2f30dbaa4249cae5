"""`python -m addons --config FILE`: the role `proxy`, mitmproxy with the filter and nothing else in it.

Exit codes as in `cop_filter.cli.exits`.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from addons import proxy
from cop_filter import config as configuration
from cop_filter import logs
from cop_filter.cli.exits import exit_code_of
from cop_filter.errors import ConfigError


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
    asyncio.run(proxy.serve(path, config.state_dir, config.proxy))


if __name__ == "__main__":
    sys.exit(main())
