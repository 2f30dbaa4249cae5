"""What the tests of the sources share: the hostile authority, and one way to fetch from it."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fetching import NOTHING_KNOWN, Fetch, list_config
from hostile_authority import Authority, listening
from loopback_ca import LoopbackCa

from cop_filter.sources import Fetched, NotModified, Validators, fetch, open_session


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        yield one


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> LoopbackCa:
    return LoopbackCa(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as one:
        yield one


@pytest.fixture
def waits() -> list[float]:
    """How long the source meant to wait before each further try; nobody really waits."""
    return []


@pytest.fixture
def get(session: aiohttp.ClientSession, waits: list[float], tmp_path: Path) -> Fetch:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def fetch_one(
        source: str | Path, validators: Validators = NOTHING_KNOWN, **changes: object
    ) -> Fetched | NotModified:
        source = source.as_uri() if isinstance(source, Path) else source
        return await fetch(
            list_config(source, **changes),
            validators,
            session=session,
            rng=random.Random(7),
            memory=tmp_path / "memory",
            clock=lambda: 1_750_000_000.0,
            sleep=sleep,
        )

    return fetch_one
