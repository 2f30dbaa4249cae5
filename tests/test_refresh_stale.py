"""A list that nobody stands by any more, and the moment at which somebody does again."""

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from generations import a_config, a_list
from hostile_authority import Authority, listening, serve, status
from quarantine_wards import Clock
from signed_authority import DAY, NOW

from cop_filter.events import Events
from cop_filter.loader import open_engine
from cop_filter.refresh import Refresher
from cop_filter.sources import open_session
from cop_filter.store import Store

NAME = "one.example"
FIRST, SECOND = b"one.example\n", b"one.example\ntwo.example\n"


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        one.default = serve(FIRST)
        yield one


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def refresher(tmp_path: Path, authority: Authority, clock: Clock) -> AsyncIterator[Refresher]:
    """Of one list that was fetched once, and is only observed when it is a day old."""
    wanted = a_list(
        source=f"{authority.url}/list", retries=0, timeout_s=5.0, on_stale="observe", stale_after_s=float(DAY)
    )
    config = a_config(tmp_path / "state", wanted)
    store = Store.of(config)
    store.prepare()
    async with open_session() as session:
        made = Refresher(config, store, session, clock=clock, rng=random.Random(7), events=Events())
        assert (await made.refresh(wanted)).result == "published"
        yield made
        made.close()


def blocked(refresher: Refresher) -> bool:
    return open_engine(Store.of(refresher._config)).decide_host(NAME).stops


@pytest.mark.parametrize(("body", "result"), [(FIRST, "unchanged"), (SECOND, "published")])
async def test_a_list_that_was_only_observed_is_enforced_as_soon_as_it_is_heard_of(
    refresher: Refresher, authority: Authority, clock: Clock, body: bytes, result: str
) -> None:
    (wanted,) = refresher._config.lists
    authority.default = status(500)
    clock.now += 2 * DAY
    await refresher.refresh(wanted)
    await refresher.apply_policy()
    assert not blocked(refresher)
    authority.default = serve(body)
    assert (await refresher.refresh(wanted)).result == result
    assert blocked(refresher)


def audited(state_dir: Path, event: str) -> list[object]:
    """The facts of each such line of the audit log."""
    (log,) = (state_dir / "audit").glob("*.jsonl")
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    return [line["facts"] for line in lines if line["event"] == event]


async def test_it_is_audited_once_that_nobody_stands_by_a_list(
    refresher: Refresher, clock: Clock, tmp_path: Path
) -> None:
    for _ in range(5):
        clock.now += DAY / 2
        await refresher.apply_policy()
    assert audited(tmp_path / "state", "list_expired") == [{"list": "national"}]


async def test_what_ended_while_nothing_ran_is_audited_by_the_next_run_and_only_by_that(
    refresher: Refresher, clock: Clock, tmp_path: Path
) -> None:
    await refresher.apply_policy()
    clock.now += 3 * DAY
    config = refresher._config
    for _ in range(2):
        async with open_session() as session:
            later = Refresher(
                config, Store.of(config), session, clock=clock, rng=random.Random(7), events=Events()
            )
            await later.apply_policy()
            later.close()
    assert audited(tmp_path / "state", "list_expired") == [{"list": "national"}]
