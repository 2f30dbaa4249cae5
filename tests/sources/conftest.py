"""What the tests of the sources share: the hostile authority, and one way to fetch from it."""

import base64
import random
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from fetching import NOTHING_KNOWN, Fetch, list_config
from hostile_authority import Authority, listening
from loopback_ca import LoopbackCa
from zone_asking import NOW, Ask
from zone_server import KEY, SECRET, ZoneServer, zone_server

from cop_filter.sources import Fetched, NotModified, Validators, fetch, open_session
from cop_filter.sources.axfr import transfer
from cop_filter.sources.visit import Visit


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
        source: str | Path,
        validators: Validators = NOTHING_KNOWN,
        *,
        held: str | None = None,
        **changes: object,
    ) -> Fetched | NotModified:
        source = source.as_uri() if isinstance(source, Path) else source
        return await fetch(
            list_config(source, **changes),
            validators,
            session=session,
            rng=random.Random(7),
            memory=tmp_path / "memory",
            held=held,
            clock=lambda: 1_750_000_000.0,
            sleep=sleep,
        )

    return fetch_one


@pytest.fixture
async def server() -> AsyncIterator[ZoneServer]:
    async with zone_server() as one:
        yield one


@pytest.fixture
async def signing() -> AsyncIterator[ZoneServer]:
    async with zone_server(KEY) as one:
        yield one


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "authority.tsig"
    path.write_bytes(base64.b64encode(SECRET) + b"\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def ask(session: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    monkeypatch.setattr("time.time", lambda: NOW)

    async def ask_once(
        server: ZoneServer, held: Fetched | None = None, **settings: object
    ) -> Fetched | NotModified:
        known = (NOTHING_KNOWN, None) if held is None else (held.validators, held.digest)
        wanted = list_config(server.source, **settings)
        memory = tmp_path / "sources" / "national"
        return await transfer(Visit(wanted, known[0], session, memory, known[1], lambda: NOW, None))

    return ask_once


@pytest.fixture
def ask_signed(ask: Ask, secret_file: Path) -> Ask:
    async def ask_once(
        server: ZoneServer, held: Fetched | None = None, **settings: object
    ) -> Fetched | NotModified:
        key = {"tsig_name": "key.authority.example", "tsig_file": secret_file}
        return await ask(server, held, **{**key, **settings})

    return ask_once
