"""What a transport is given for one try to fetch a list."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from cop_filter.config import ListConfig
from cop_filter.sources.result import Progress, Validators


@dataclass(frozen=True, slots=True)
class Visit:
    """`memory` is a folder of this list's source alone, to be made 0700 when needed: never for an entry.

    `held` is the digest of the version in force; None: none, so that only a whole list will do. `clock`
    gives Unix time.
    """

    wanted: ListConfig
    validators: Validators
    session: aiohttp.ClientSession
    memory: Path
    held: str | None
    clock: Callable[[], float]
    progress: Progress | None
