"""A response policy zone from BIND: transferred whole, changed, and fetched as soon as BIND says so."""

import asyncio
import base64
import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from name_server import SECRET, NameServer, named

from cop_filter import formats
from cop_filter.config import Address, Config, ListConfig, OperatorConfig, PushConfig
from cop_filter.entries import Entry
from cop_filter.errors import FetchFailed
from cop_filter.sources import Fetched, NotModified, Validators, fetch, open_session
from cop_filter.sync import watch
from cop_filter.verdict import LegalBasis

NAMES = [f"n{number}.example" for number in range(3000)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NameServer]:
    folder = tmp_path / "named"
    folder.mkdir()
    with named(folder, NAMES) as one:
        yield one


@pytest.fixture
def wanted(tmp_path: Path, server: NameServer) -> ListConfig:
    secret = tmp_path / "isp.tsig"
    secret.write_bytes(base64.b64encode(SECRET))
    secret.chmod(0o600)
    return ListConfig(
        "national",
        server.source,
        "Example Hotline",
        "csam",
        LegalBasis.MEMBERSHIP,
        interval_s=3600.0,
        retries=0,
        tsig_name="isp-key.example",
        tsig_file=secret,
    )


async def visit(wanted: ListConfig, memory: Path, held: Fetched | None = None) -> Fetched | NotModified:
    async with open_session() as session:
        return await fetch(
            wanted,
            Validators() if held is None else held.validators,
            session=session,
            rng=random.Random(7),
            memory=memory,
            held=None if held is None else held.digest,
        )


def entries(raw: dict[str, bytes] | bytes) -> set[Entry]:
    raw = raw if isinstance(raw, dict) else {"": raw}
    chunks = list(formats.parse(raw, format="rpz"))
    assert not any(chunk.errors for chunk in chunks)
    return {entry for chunk in chunks for entry in chunk.entries}


async def test_a_zone_comes_whole_and_then_what_changed(
    server: NameServer, wanted: ListConfig, tmp_path: Path
) -> None:
    first = await visit(wanted, tmp_path / "memory")
    assert isinstance(first, Fetched)
    assert len(entries(first.raw)) == len(NAMES)
    assert isinstance(await visit(wanted, tmp_path / "memory", first), NotModified)

    await asyncio.to_thread(server.update, add=["new.example", "*.new.example"], remove=[NAMES[0]])
    await asyncio.to_thread(server.update, add=["newer.example"], remove=["new.example", NAMES[1]])
    change = await visit(wanted, tmp_path / "memory", first)
    assert isinstance(change, Fetched)
    assert change.base == first.digest
    assert (len(entries(change.raw)), len(entries(change.removed))) == (2, 2)

    whole = await visit(wanted, tmp_path / "another-memory")
    assert isinstance(whole, Fetched)
    assert whole.base is None
    assert whole.digest == change.digest
    assert entries(whole.raw) == entries(first.raw) - entries(change.removed) | entries(change.raw)


@pytest.mark.parametrize(
    ("content", "reason"), [(b"ZmZmZmZmZmZmZmZm", "refuses our TSIG key"), (None, "REFUSED")]
)
async def test_without_the_key_there_is_no_zone(
    wanted: ListConfig, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    assert wanted.tsig_file is not None
    if content is None:
        wanted = ListConfig(
            "national", wanted.source, "Example Hotline", "csam", LegalBasis.MEMBERSHIP, retries=0
        )
    else:
        await asyncio.to_thread(wanted.tsig_file.write_bytes, content)
    with pytest.raises(Exception, match=reason) as caught:
        await visit(wanted, tmp_path / "memory")
    assert isinstance(caught.value, FetchFailed) is (content is None)


async def test_a_notify_has_the_zone_asked_for_at_once(
    server: NameServer, wanted: ListConfig, tmp_path: Path
) -> None:
    operator = OperatorConfig("Example Net", "Officer", "https://isp.example/", "https://help.example/")
    push = PushConfig(notify=(Address("127.0.0.1", server.notify_port),))
    config = Config(tmp_path / "state", operator, (wanted,), push=push)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    def progress(list_id: str, phase: str, done: int, total: int | None) -> None:
        if phase in ("published", "unchanged", "refused"):
            if not ended.done():
                ended.set_result(phase)
        elif phase == "fetch" and ended.done():
            asked.set()

    running = asyncio.create_task(watch(config, progress=progress))
    try:
        assert await asyncio.wait_for(ended, 60) == "published"
        await asyncio.to_thread(server.update, add=["new.example"])
        await asyncio.wait_for(asked.wait(), 60)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
