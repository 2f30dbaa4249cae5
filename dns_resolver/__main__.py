"""``python -m dns_resolver --config FILE``: the role ``dns``.

Exit codes: 0 stopped as asked, 1 broke while serving, 2 could not start (configuration, state, ports).
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cop_filter import config as configuration
from cop_filter.config import Config, DnsConfig
from cop_filter.errors import ConfigError, CopFilterError
from dns_resolver import listeners, workers


def main() -> int:
    """Read the configuration, bind the ports, serve."""
    logging.basicConfig(format="cop-filter dns: %(message)s", level=logging.INFO)
    parser = argparse.ArgumentParser(prog="python -m dns_resolver", description="cop-filter's DNS resolver")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    try:
        config = configuration.load(parser.parse_args().config)
        if config.dns is None:
            raise ConfigError(["dns: this table is missing, so there is nothing to serve"])
        return _run(config, config.dns)
    except CopFilterError as error:
        logging.getLogger("cop_filter.dns").error("cannot start:\n%s", error)
        return workers.FATAL


def _run(config: Config, dns: DnsConfig) -> int:
    metrics_dir = config.state_dir / "metrics"
    metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # prometheus-client decides at import whether processes count together, so this comes first.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_dir)
    from prometheus_client import multiprocess  # noqa: PLC0415 - see above

    from dns_resolver import role  # noqa: PLC0415 - see above

    shares = listeners.bind_all(dns.listen, dns.workers)
    if dns.workers == 1:
        return role.run(config, dns, shares[0])

    def work(share: Sequence[listeners.Listening]) -> int:
        try:
            return role.run(config, dns, share)
        except CopFilterError as error:
            logging.getLogger("cop_filter.dns").error("cannot start:\n%s", error)
            return workers.FATAL

    return workers.supervise(shares, work, multiprocess.mark_process_dead)


if __name__ == "__main__":
    sys.exit(main())
