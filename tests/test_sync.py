"""From an authority's list to the generation in force, and what keeps the last good one there."""

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hostile_authority import Authority, hang, in_turn, listening, serve, status, unless_modified

from cop_filter import audit, compiler, formats, rotation
from cop_filter.config import Config, ListConfig, OperatorConfig
from cop_filter.errors import ConfigError, Held, StateError
from cop_filter.loader import open_engine
from cop_filter.quarantine import Quarantine
from cop_filter.rollout.going_back import go_back
from cop_filter.store import Store
from cop_filter.sync import Outcome, run_once, watch
from cop_filter.verdict import LegalBasis

FIRST = b"one.example\ntwo.example\n"
SECOND = b"two.example\nthree.example\n"


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        yield one


class Network:
    """A configuration, and questions about what it brought about."""

    def __init__(self, state_dir: Path, *lists: ListConfig) -> None:
        operator = OperatorConfig("Example Net", "Officer", "https://isp.example/", "https://help.example/")
        self.config = Config(state_dir, operator, lists)
        self.store = Store(state_dir)

    async def sync(self, **options: object) -> dict[str, Outcome]:
        return await run_once(self.config, **options)  # type: ignore[arg-type]  # passed through

    def blocked(self, *names: str) -> list[bool]:
        engine = open_engine(self.store)
        return [engine.decide_host(name).stops for name in names]

    def note(self, list_id: str = "national") -> dict[str, object]:
        return self.store.read_status()[list_id]

    def change(self, list_id: str = "national", **settings: object) -> None:
        lists = tuple(
            replace(one, **settings) if one.id == list_id else one  # type: ignore[arg-type]  # passed through
            for one in self.config.lists
        )
        self.config = replace(self.config, lists=lists)


def a_list(source: str, list_id: str = "national", **settings: object) -> ListConfig:
    settings = {"timeout_s": 5.0, "retries": 0, **settings}
    return ListConfig(list_id, source, "Example Hotline", "csam", LegalBasis.MEMBERSHIP, **settings)  # type: ignore[arg-type]  # passed through


@pytest.fixture
def network(tmp_path: Path, authority: Authority) -> Network:
    authority.default = serve(FIRST)
    return Network(tmp_path / "state", a_list(f"{authority.url}/list.txt"))


async def test_a_list_is_fetched_and_in_force(network: Network) -> None:
    outcome = (await network.sync())["national"]
    assert outcome[:3] == ("published", 2, 1)
    assert network.blocked("one.example", "sub.two.example", "three.example") == [True, True, False]
    note = network.note()
    assert (note["state"], note["entries"], note["last_error"]) == ("ok", 2, None)
    assert note["checked_at"] < note["next_try"] <= note["checked_at"] + 900


async def test_changes_follow_and_what_is_unchanged_is_not_published_again(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    assert (await network.sync())["national"][:3] == ("unchanged", 2, 1)
    authority.default = serve(SECOND)
    assert (await network.sync())["national"][:3] == ("published", 2, 2)
    assert network.blocked("one.example", "three.example") == [False, True]


async def test_validators_are_sent_only_while_the_list_is_in_force(
    network: Network, authority: Authority
) -> None:
    authority.default = unless_modified(FIRST, '"v1"')
    await network.sync()
    assert (await network.sync())["national"].result == "unchanged"
    assert authority.requests[-1].headers["if-none-match"] == '"v1"'
    note = network.store.read_status()
    for path in (network.config.state_dir / "generations").iterdir():
        path.rename(path.with_name("aside-lost"))
    (network.config.state_dir / "current").unlink()
    network.store.write_status(note)
    assert (await network.sync())["national"].result == "published"
    assert "if-none-match" not in authority.requests[-1].headers


async def test_another_source_or_reading_is_fetched_afresh(network: Network, authority: Authority) -> None:
    authority.default = unless_modified(b"url,entry\n,one.example\nfour.example,\n", '"v1"')
    network.change(format="csv", csv_column="entry", max_bad_share=0.6)
    await network.sync()
    assert network.blocked("one.example", "four.example") == [True, False]
    network.change(csv_column="url")
    assert (await network.sync())["national"].result == "published"
    assert network.blocked("one.example", "four.example") == [False, True]
    network.change(source=f"{authority.url}/moved.txt")
    await network.sync()
    assert "if-none-match" not in authority.requests[-1].headers


async def test_a_rollback_holds_against_the_authority_until_it_is_released(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    authority.default = serve(SECOND)
    await network.sync()
    go_back(network.store, None, by="ann", reason="too much", now=time.time())
    authority.default = serve(b"three.example\nfour.example\n")
    held = (await network.sync())["national"]
    assert (held[:3], "cop-filter release" in (held.error or "")) == (("refused", 2, 1), True)
    network.change(category="another policy")
    with pytest.raises(Held, match="cop-filter release"):
        await network.sync()
    assert network.blocked("one.example", "three.example") == [True, False]
    network.store.stages.release()
    assert (await network.sync())["national"].result == "published"
    assert network.blocked("one.example", "three.example") == [False, True]


async def test_what_is_refused_at_the_release_waits_for_people_and_the_next_version_does_not(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    authority.default = serve(SECOND)
    await network.sync()
    go_back(network.store, None, by="ann", reason="appeal 17", now=time.time())
    network.store.stages.release(refused={"national"}, at=time.time())
    for _ in range(2):
        outcome = (await network.sync())["national"]
        assert (outcome.result, outcome.entries) == ("refused", 2)
        assert "this version was refused when a rollback was released: appeal 17" in (outcome.error or "")
    assert network.blocked("one.example", "three.example") == [True, False]
    authority.default = serve(b"three.example\nfour.example\n")
    assert (await network.sync())["national"].result == "published"
    assert network.blocked("one.example", "three.example") == [False, True]


async def test_what_was_refused_at_the_release_goes_live_once_somebody_approves_it(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    authority.default = serve(SECOND)
    await network.sync()
    go_back(network.store, None, by="ann", reason="", now=time.time())
    network.store.stages.release(refused={"national"}, at=time.time() - 1)
    await network.sync()
    quarantine = Quarantine(network.store, network.config)
    [item] = [one.id for one in quarantine.items()]
    quarantine.approve(item, None, "ann")
    assert (await network.sync())["national"].result == "published"
    assert network.blocked("one.example", "three.example") == [False, True]


REFUSALS = {
    "server error": (status(500), "answered 500"),
    "web page": (serve(b"<html>"), "web page"),
    "empty": (serve(b""), "empty"),
    "comments only": (serve(b"# nothing today\n"), "holds no entry"),
    "bad lines": (serve(b"one.example\nnot an entry at all\n"), "1 of 2 lines are bad"),
    "shrunk": (serve(b"one.example\n"), "shrank from 3 to 1"),
    "grown": (serve(b"".join(b"n%d.example\n" % n for n in range(13))), "grew from 3 to 13"),
    "binary": (serve(bytes(range(1, 256)) * 9), "lines are bad|encoding|control|detect|list"),
}


@pytest.mark.parametrize("fault", REFUSALS)
async def test_what_is_refused_leaves_the_last_good_list(
    network: Network, authority: Authority, fault: str
) -> None:
    network.change(free_change=0)
    authority.default = unless_modified(b"one.example\ntwo.example\nthree.example\n", '"v1"')
    await network.sync()
    authority.default, reason = REFUSALS[fault]
    network.change(format="plain")
    outcome = (await network.sync())["national"]
    assert outcome[:3] == ("refused", 3, 1)
    assert re.search(reason, outcome.error or "")
    assert all(network.blocked("one.example", "two.example", "three.example"))
    note = network.note()
    assert (note["state"], note["entries"], note["last_error"]) == ("failing", 3, outcome.error)
    assert "example" not in (outcome.error or "")


async def test_after_a_refusal_the_old_validators_still_hold(network: Network, authority: Authority) -> None:
    good = unless_modified(FIRST, '"v1"')
    authority.default = in_turn(good, serve(b"<html>", ETag='"v2"'), good)
    await network.sync()
    await network.sync()
    assert (await network.sync())["national"].result == "unchanged"
    assert network.note()["state"] == "ok"


async def test_a_list_that_never_came_is_never(network: Network, authority: Authority) -> None:
    authority.default = status(503)
    assert (await network.sync())["national"][:3] == ("refused", 0, None)
    assert network.note()["state"] == "never"
    assert network.note()["published_at"] is None


async def test_a_busy_server_is_left_alone_as_long_as_it_asks(network: Network, authority: Authority) -> None:
    authority.default = status(429, Retry_After=600)
    network.change(interval_s=120.0, retries=3)
    assert (await network.sync())["national"].next_delay_s == 600
    assert len(authority.requests) == 1


async def test_a_hanging_list_delays_no_other(tmp_path: Path, authority: Authority) -> None:
    authority.answers = {"/slow": hang, "/fast": serve(FIRST), "/broken": status(500)}
    network = Network(
        tmp_path / "state",
        *(a_list(f"{authority.url}/{name}", name, timeout_s=60.0) for name in ("slow", "broken", "fast")),
    )
    ended = asyncio.Event()

    def progress(list_id: str, phase: str, done: int, total: int | None) -> None:
        if (list_id, phase) == ("fast", "published"):
            ended.set()

    running = asyncio.create_task(network.sync(progress=progress))
    await asyncio.wait_for(ended.wait(), 10)
    assert not running.done()
    assert network.blocked("one.example") == [True]
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_several_lists_published_at_once_are_all_in_force(tmp_path: Path, authority: Authority) -> None:
    names = [f"list{n}" for n in range(8)]
    authority.answers = {f"/{name}": serve(f"{name}.example\n".encode()) for name in names}
    network = Network(tmp_path / "state", *(a_list(f"{authority.url}/{name}", name) for name in names))
    outcomes = await network.sync()
    assert {one.generation for one in outcomes.values()} <= set(range(1, 9))
    assert all(network.blocked(*(f"{name}.example" for name in names)))


@pytest.mark.parametrize("damage", ["pointer", "nowhere", "index", "folder", "all"])
async def test_damage_is_mended_by_fetching_every_list_whole(
    network: Network, authority: Authority, damage: str
) -> None:
    authority.default = unless_modified(FIRST, '"1"')
    await network.sync()
    authority.default = unless_modified(SECOND, '"2"')
    await network.sync()
    folders = [network.store.folder(number) for number in network.store.numbers()]
    match damage:
        case "pointer":
            (network.store.root / "current").write_text("junk")
        case "nowhere":
            (network.store.root / "current").write_text("99")
        case "index":
            (folders[-1] / "index").write_bytes(b"COPINDEX")
        case "folder":
            shutil.rmtree(folders[-1])
        case "all":
            for folder in folders:
                (folder / "index").unlink()
    assert (await network.sync())["national"].result == "published"
    assert network.blocked("one.example", "two.example", "three.example") == [False, True, True]


async def test_damage_and_a_dead_authority_publish_nothing_that_holds_less(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    (network.store.folder(1) / "index").unlink()
    authority.default = status(503)
    outcome = (await network.sync())["national"]
    assert outcome.result == "refused"
    assert network.store.numbers() == [1]


async def test_a_trial_that_cannot_be_settled_does_not_keep_lists_from_coming(
    network: Network, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise StateError("it cannot be settled")

    monkeypatch.setattr("cop_filter.sync.Controller.step", fail)
    assert (await network.sync())["national"].result == "published"


async def test_only_the_named_lists_are_refreshed(tmp_path: Path, authority: Authority) -> None:
    authority.default = serve(FIRST)
    network = Network(
        tmp_path / "state", a_list(f"{authority.url}/a", "a"), a_list(f"{authority.url}/b", "b")
    )
    assert set(await network.sync(only=["b"])) == {"b"}
    assert [one.target for one in authority.requests] == ["/b"]
    with pytest.raises(ConfigError, match="no list is called 'c'; choose from: a, b"):
        await network.sync(only=["c"])


async def test_a_change_of_policy_is_put_in_force_without_the_list(
    network: Network, authority: Authority
) -> None:
    await network.sync()
    network.change(mode="observe")
    authority.default = status(500)
    await network.sync()
    assert network.blocked("one.example") == [False]
    assert network.store.current() == 2


async def test_a_list_that_would_block_the_filters_own_hosts_is_quarantined(
    network: Network, authority: Authority
) -> None:
    authority.default = serve(b"isp.example\nhelp.example\nbad.example\n")
    outcome = (await network.sync())["national"]
    assert outcome.result == "refused"
    assert "quarantined as" in str(outcome.error)
    assert network.blocked("isp.example", "bad.example") == [False, False]


async def test_what_became_the_filters_own_host_is_blocked_no_more(
    network: Network, authority: Authority
) -> None:
    authority.default = serve(b"lists.example\nbad.example\n")
    await network.sync()
    assert network.blocked("lists.example", "bad.example") == [True, True]
    other = a_list("https://lists.example/other.txt", "other", timeout_s=0.1)
    network.config = replace(network.config, lists=(*network.config.lists, other))
    await network.sync(only=["national"])
    assert network.blocked("lists.example", "bad.example") == [False, True]


async def test_a_new_key_is_used_once_every_list_was_fetched_whole(
    network: Network, authority: Authority
) -> None:
    authority.answers["/other.txt"] = serve(SECOND)
    other = a_list(f"{authority.url}/other.txt", "other")
    network.config = replace(network.config, lists=(*network.config.lists, other))
    await network.sync()
    before = network.store.keys()
    rotation.begin(network.store)
    authority.answers["/other.txt"] = status(500)
    await network.sync()
    assert network.store.rotation_due()
    assert network.store.keys() == before
    assert network.blocked("one.example", "three.example") == [True, True]
    authority.answers["/other.txt"] = serve(SECOND)
    await network.sync()
    assert not network.store.rotation_due()
    assert network.store.keys() != before
    assert network.blocked("one.example", "three.example") == [True, True]
    assert (await network.sync())["other"].result == "unchanged"
    rotation.finish(network.store)
    assert network.blocked("one.example", "three.example") == [True, True]


async def test_while_another_process_publishes_nothing_is_touched(network: Network) -> None:
    await network.sync()
    network.change(mode="observe")
    with network.store.writer(), pytest.raises(StateError, match="another process is publishing"):
        await network.sync()
    assert network.blocked("one.example") == [True]


async def test_a_full_disk_is_reported_and_the_last_good_list_stays(
    network: Network, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    await network.sync()
    authority.default = serve(SECOND)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")

    with monkeypatch.context() as disk:
        disk.setattr(Store, "publish", full)
        disk.setattr(Store, "write_status", full)
        outcome = (await network.sync())["national"]
    assert outcome[:3] == ("refused", 2, 1)
    assert outcome.error == "the state folder cannot be written: No space left on device"
    assert network.blocked("one.example", "three.example") == [True, False]
    assert (await network.sync())["national"].result == "published"


async def test_a_bug_is_reported_without_its_text(
    network: Network, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("one.example")

    monkeypatch.setattr(compiler.Draft, "replace", broken)
    outcome = (await network.sync())["national"]
    assert outcome.error == "internal error (ZeroDivisionError); please report it"
    assert "one.example" not in json.dumps(network.note())


async def test_nothing_of_the_list_is_written_down(
    network: Network, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    authority.default = serve(b"".join(b"%d.one.example\n" % n for n in range(200)) + b"two example\n")
    network.change(format="plain")
    await network.sync()
    files = [path for path in network.config.state_dir.rglob("*") if path.is_file()]
    assert files
    for content in [caplog.text.encode(), *(path.read_bytes() for path in files)]:
        assert b"one.example" not in content
        assert b"two example" not in content
        assert b"list.txt" not in content
    assert "1 of 201 lines are bad: line 201" in caplog.text


async def test_progress_tells_every_phase(network: Network) -> None:
    heard: list[tuple[str, int, int | None]] = []
    await network.sync(progress=lambda _, phase, done, total: heard.append((phase, done, total)))
    assert heard == [("fetch", 24, 24), ("parse", 2, None), ("publish", 0, 2), ("published", 2, 2)]


async def test_the_bytes_of_a_list_are_dropped_when_it_is_in_force_and_when_it_is_refused(
    network: Network, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, bytes]] = []
    parse = formats.parse
    monkeypatch.setattr(formats, "parse", lambda raw, **how: (seen.append(raw), parse(raw, **how))[1])
    await network.sync()
    authority.default = serve(b"no entry\n")
    await network.sync()
    assert len(seen) == 2  # each is read once: new entries are kept for the proof, unless there are too many
    assert not any(seen)


class Watching:
    """A running `watch`, and the result of each refresh as it ends."""

    def __init__(self, config: Config) -> None:
        self._results: asyncio.Queue[str] = asyncio.Queue()
        self.task = asyncio.create_task(watch(config, progress=self._hear))

    def _hear(self, list_id: str, phase: str, done: int, total: int | None) -> None:
        if phase in ("published", "unchanged", "refused"):
            self._results.put_nowait(phase)

    async def ends(self, result: str) -> None:
        """Wait until a refresh ends in this way."""
        async with asyncio.timeout(20):
            while await self._results.get() != result:
                pass


@contextlib.asynccontextmanager
async def watching(network: Network) -> AsyncIterator[Watching]:
    one = Watching(network.config)
    try:
        yield one
    finally:
        one.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one.task


async def test_watching_follows_the_authority(network: Network, authority: Authority) -> None:
    network.change(interval_s=0.1)
    async with watching(network) as one:
        await one.ends("published")
        authority.default = serve(SECOND)
        await one.ends("published")
        assert network.blocked("one.example", "three.example") == [False, True]
        authority.default = status(500)
        await one.ends("refused")
        assert network.blocked("three.example") == [True]
        authority.default = serve(SECOND)
        await one.ends("unchanged")
        assert network.note()["state"] == "ok"


async def test_watching_goes_on_while_another_process_publishes(
    network: Network, authority: Authority
) -> None:
    network.change(interval_s=0.1)
    async with watching(network) as one:
        await one.ends("published")
        with network.store.writer():
            authority.default = serve(SECOND)
            await one.ends("refused")
            assert "another process" in str(network.note()["last_error"])
        await one.ends("published")


async def test_sighup_checks_all_lists_now_and_sigterm_ends_cleanly(
    network: Network, authority: Authority
) -> None:
    async with watching(network) as one:
        await one.ends("published")
        os.kill(os.getpid(), signal.SIGHUP)
        await one.ends("unchanged")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(one.task, 10)


async def test_a_state_folder_of_others_is_fatal_at_the_start(network: Network) -> None:
    await network.sync()
    (network.config.state_dir / "index.key").chmod(0o644)
    with pytest.raises(StateError, match=r"index\.key"):
        await watch(network.config)


async def test_the_audit_log_tells_which_list_was_taken_out_whatever_its_id_looks_like(
    tmp_path: Path, authority: Authority
) -> None:
    authority.default = serve(FIRST)
    lists = (a_list(f"{authority.url}/a", "isp.local-1"), a_list(f"{authority.url}/b", "b"))
    network = Network(tmp_path / "state", *lists)
    await network.sync()
    network.config = replace(network.config, lists=lists[1:])
    await network.sync()
    told = [line.facts for line in audit.lines(network.config.state_dir / "audit")]
    assert {"list": "isp.local-1", "what": "removed", "generation": network.store.newest()} in told
