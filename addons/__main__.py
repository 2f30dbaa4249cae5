"""`python -m addons --config FILE`: the role `proxy`, mitmproxy with the filter and nothing else in it.

Exit codes: 0 stopped as asked, 2 could not start (configuration, state, port).
"""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from addons import proxy
from cop_filter import config as configuration
from cop_filter import logs, secrecy
from cop_filter.errors import ConfigError, CopFilterError

CANNOT_START = 2


def main() -> int:
    """Read the configuration and serve until SIGTERM or SIGINT."""
    secrecy.keep()
    logs.set_up()
    parser = argparse.ArgumentParser(prog="python -m addons", description="cop-filter's HTTP proxy")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    path = parser.parse_args().config
    try:
        config = configuration.load(path)
        if config.proxy is None:
            raise ConfigError(["proxy: is missing; the role needs its table: add [proxy]"])
        asyncio.run(proxy.serve(path, config.state_dir, config.proxy))
    except CopFilterError as error:
        logging.getLogger("cop_filter.proxy").error("cannot start:\n%s", error)
        return CANNOT_START
    return 0


if __name__ == "__main__":
    sys.exit(main())
