"""A subscriber of a signed list, who remembers from visit to visit as `sync` does."""

import random
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from fetching import NOTHING_KNOWN, list_config
from signed_authority import NOW

from cop_filter.signing import PublicKey
from cop_filter.sources import Fetched, NotModified, Validators, fetch


@dataclass
class Subscriber:
    """`keys` are configured; `held` and `validators` are of what was accepted last."""

    session: aiohttp.ClientSession
    memory: Path
    keys: tuple[PublicKey, ...]
    threshold: int = 1
    held: str | None = None
    validators: Validators = NOTHING_KNOWN
    now: float = NOW
    waits: list[float] = field(default_factory=list)

    async def visit(self, source: str, **settings: object) -> Fetched | NotModified:
        """One visit; what it brings is accepted."""

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        answer = await fetch(
            list_config(source, keys=self.keys, threshold=self.threshold, **settings),
            self.validators,
            session=self.session,
            rng=random.Random(7),
            memory=self.memory,
            held=self.held,
            clock=lambda: self.now,
            sleep=sleep,
        )
        if isinstance(answer, Fetched):
            self.held, self.validators = answer.digest, answer.validators
        return answer

    async def fetched(self, source: str, **settings: object) -> Fetched:
        answer = await self.visit(source, **settings)
        assert isinstance(answer, Fetched)
        return answer
