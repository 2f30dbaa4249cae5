"""Lists as a refresh sees them again and again: what their authority says must not be forgotten between."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from generations import a_config, a_list
from hostile_authority import Authority, listening
from quarantine_wards import Clock
from signed_authority import DAY, NOW, SignedAuthority

from cop_filter.events import Events
from cop_filter.freshness import Word
from cop_filter.ledger import Ledger
from cop_filter.refresh import Refresher
from cop_filter.signing import SigningKey
from cop_filter.sources import open_session
from cop_filter.store import Store


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        yield one


async def test_a_list_that_is_signed_anew_without_a_change_stays_fresh_at_every_later_visit(
    tmp_path: Path, authority: Authority
) -> None:
    signed = SignedAuthority(authority, [SigningKey.generate()])
    signed.publish(["one.example", "two.example"])
    wanted = a_list(
        source=signed.source, keys=(signed.keys[0].public,), retries=0, timeout_s=5.0, on_stale="observe"
    )
    clock = Clock(NOW)
    store = Store.of(a_config(tmp_path / "state", wanted))
    store.prepare()
    async with open_session() as session:
        refresher = Refresher(
            a_config(tmp_path / "state", wanted),
            store,
            session,
            clock=clock,
            rng=random.Random(7),
            events=Events(),
        )
        assert (await refresher.refresh(wanted)).result == "published"
        signed.publish(["one.example", "two.example"], expires=NOW + 30 * DAY)
        for _ in range(3):
            clock.now += DAY / 4
            assert (await refresher.refresh(wanted)).result == "unchanged"
            (state,) = (one for one in store.manifest(1).lists if one.policy.id == wanted.id)
            assert Ledger(store).word(wanted, state) == Word(clock.now, NOW + 30 * DAY)
        clock.now = NOW + 2 * DAY
        await refresher.apply_policy()
        refresher.close()
    modes = {one.policy.id: one.policy.mode for one in store.manifest(store.newest() or 0).lists}
    assert modes[wanted.id] == "enforce"
