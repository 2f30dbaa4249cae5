"""When a list is asked for again. Pure."""

import random

_FIRST_RETRY_S = 60.0
_MOST_ASKED_S = 3600.0
_JITTER = 0.1


def next_delay_s(interval_s: float, failures: int, asked_s: float | None, rng: random.Random) -> float:
    """Seconds until the next try, after `failures` failed ones in a row.

    A good list is checked every `interval_s`, up to a tenth earlier, so that lists and subscribers
    drift apart. A failing one is tried again sooner than that, at doubling distances. `asked_s` is
    what the server asked for (Retry-After); it is granted up to an hour, because a server must not
    be able to switch the filter's refreshes off.
    """
    if failures == 0:
        return interval_s * rng.uniform(1 - _JITTER, 1)
    bound_s = min(interval_s, _FIRST_RETRY_S * 2.0 ** min(failures - 1, 20))
    return max(bound_s * rng.uniform(0.5, 1), min(asked_s or 0.0, _MOST_ASKED_S))
