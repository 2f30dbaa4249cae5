"""What the authority publishes is what a subscriber believes, from a plain static web server."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web as server

from cop_filter.authority import receivers
from cop_filter.authority.desk import Desk
from cop_filter.authority.signatures import sign_files
from cop_filter.config import ListConfig
from cop_filter.errors import ProvenanceFailed
from cop_filter.signing import PublicKey, SigningKey
from cop_filter.sources import Fetched, NotModified, Validators, fetch, open_session
from cop_filter.verdict import LegalBasis

ANN, BEN, CAT = (SigningKey.generate() for _ in range(3))
NOW = 1_750_000_000.0
WEEK_S = 7 * 86_400.0
MANY = b"".join(b"host%d.example\n" % number for number in range(200))
NOTHING = Validators()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    app = server.Application()
    app.router.add_static("/", folder)
    runner = server.AppRunner(app)
    await runner.setup()
    site = server.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"signed+http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass
class Subscriber:
    source: str
    memory: Path
    keys: tuple[PublicKey, ...] = (ANN.public,)
    threshold: int = 1
    held: str | None = None
    validators: Validators = NOTHING

    async def visit(self, now: float = NOW) -> Fetched | NotModified:
        wanted = ListConfig(
            "csam", self.source, "Example Hotline", "csam", LegalBasis.ORDER, keys=self.keys,
            threshold=self.threshold, retries=0,
        )  # fmt: skip
        async with open_session() as session:
            answer = await fetch(
                wanted, self.validators, session=session, rng=random.Random(7), memory=self.memory,
                held=self.held, clock=lambda: now,
            )  # fmt: skip
        if isinstance(answer, Fetched):
            self.held, self.validators = answer.digest, answer.validators
        return answer


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "authority")
    made.begin("national", [ANN.public], 1, [ANN])
    made.add(MANY, "entries")
    made.sign([ANN], NOW, life_s=WEEK_S)
    made.publish(tmp_path / "web")
    return made


async def test_a_subscriber_follows_entries_keys_and_expiry(desk: Desk, tmp_path: Path):
    web = tmp_path / "web"
    async with serving(web) as url:
        subscriber = Subscriber(f"{url}/national/", tmp_path / "memory")
        whole = await subscriber.visit()
        assert isinstance(whole, Fetched)
        assert sorted(whole.raw[""].splitlines()) == sorted(MANY.splitlines())
        assert await subscriber.visit() == NotModified(whole.vouched)

        desk.add(b"new.example\n", "entries")
        desk.rotate([BEN.public, CAT.public], 2, [ANN, BEN])
        sign_files([desk.folder.keys / "2.keys.json"], [CAT])
        desk.sign([BEN, CAT], NOW, life_s=WEEK_S)
        desk.publish(web)
        change = await subscriber.visit()
        assert isinstance(change, Fetched)
        assert (change.base, change.raw) == (whole.digest, {"": b"new.example\n"})

        with pytest.raises(ProvenanceFailed, match="expired"):
            await subscriber.visit(NOW + WEEK_S)
        desk.sign([BEN, CAT], NOW + WEEK_S, life_s=WEEK_S)
        desk.publish(web)
        prolonged = await subscriber.visit(NOW + WEEK_S)
        assert isinstance(prolonged, Fetched)
        assert (prolonged.base, prolonged.digest) == (change.digest, change.digest)
        assert prolonged.vouched is not None
        assert prolonged.vouched.version == 3


async def test_a_receiver_gets_its_own_copy_and_what_changed_in_it(desk: Desk, tmp_path: Path):
    web = tmp_path / "web"
    receivers.mark_under(desk.folder, ["quiet.example"])
    receivers.add(desk.folder, ["isp-a", "isp-b"])
    async with serving(web) as url:
        subscriber = Subscriber(f"{url}/national.isp-a", tmp_path / "memory")
        for entry in (b"one.example\n", b"two.example\n"):
            desk.add(entry, "entries")
            desk.sign([ANN], NOW, life_s=WEEK_S)
            desk.publish(web)
            answer = await subscriber.visit()
            assert isinstance(answer, Fetched)
        assert answer.raw == {"": b"two.example\n"}
