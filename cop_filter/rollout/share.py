"""Which processes a new generation is tried on first: the canary share.

Of the resolver's workers the first ones, at least one: with one worker, that one. The proxy is one
process, so the HTTP plane is on trial as a whole or not at all: it belongs to the share only where the
share is everything, or where there is no resolver that could be tried instead. The page server enforces
nothing and has to know what any of the others blocks.
"""

import math

from cop_filter.config import Config


def dns_worker(config: Config, number: int, workers: int) -> bool:
    """Whether the resolver's worker `number` (from 0) of `workers` belongs to the canary share."""
    # The share is a decimal fraction: 0.1 of 10 workers is one of them, whatever binary makes of it.
    return number < max(1, math.ceil(round(config.rollout.share * workers, 9)))


def proxy(config: Config) -> bool:
    """Whether the proxy belongs to the canary share."""
    return config.dns is None or config.rollout.share >= 1
