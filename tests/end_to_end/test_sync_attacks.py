"""A real `cop-filter sync` against a hostile authority: whatever it does, the last good list stays."""

import asyncio
import gzip
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zstandard
from hostile_authority import (
    Authority,
    Behaviour,
    Exchange,
    cut_off,
    drip,
    endless,
    hang,
    head,
    listening,
    raw,
    redirect,
    serve,
    stall,
    status,
    unless_modified,
)

from cop_filter.loader import open_engine
from cop_filter.store import Store

GOOD = b"one.example\nhttp://two.example/page\nthree.example\n"
BETTER = GOOD + b"four.example\n"

FAULTS: dict[str, Behaviour] = {
    "500": status(500, GOOD),
    "503 with an endless Retry-After": status(503, Retry_After=10**9),
    "404": status(404),
    "401": status(401),
    "304 to a question never asked": status(304),
    "204": status(204),
    "empty": serve(b""),
    "blank": serve(b"\n \n"),
    "comments only": serve(b"# closed for maintenance\n"),
    "html": serve(b"<!doctype html><title>Log in</title>", Content_Type="text/html"),
    "html as text": serve(b"\n\n<html>"),
    "truncated": cut_off(GOOD),
    "chunks end early": raw(head(Transfer_Encoding="chunked"), b"c\r\none.example\n\r\n"),
    "no length, cut in a name": raw(head(), GOOD + b"http://host.example.inv"),
    "connection dropped": raw(b""),
    "not HTTP": raw(b"SSH-2.0-OpenSSH\r\n"),
    "hang": hang,
    "stall": stall,
    "drip": drip,
    "endless": endless,
    "gzip bomb": serve(gzip.compress(bytes(32 * 2**20)), Content_Encoding="gzip"),
    "zstd bomb": serve(zstandard.compress(bytes(32 * 2**20)), Content_Encoding="zstd"),
    "gzip cut off": serve(gzip.compress(GOOD)[:-4], Content_Encoding="gzip"),
    "gzip of something else": serve(GOOD, Content_Encoding="gzip"),
    "redirect loop": redirect("/again"),
    "redirect to a file": redirect("file:///etc/passwd"),
    "redirect to nobody": redirect("http://127.0.0.1:1/"),
    "bad lines": serve(GOOD + b"no entry at all\n" * 5),
    "binary": serve(bytes(range(256)) * 64),
    "shrunk": serve(b"one.example\n"),
    "grown": serve(GOOD + b"".join(b"n%d.example\n" % n for n in range(100))),
    "whole internet": serve(GOOD + b"com\n"),
}


class Site:
    """One installation: its configuration file and the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "cop-filter.toml"

    def configure(self, *sources: str, **settings: object) -> None:
        shared = {
            "timeout": "500ms",
            "retries": 0,
            "interval": "1s",
            "free_change": 0,
            "max_unpacked_bytes": "8MiB",
            "max_bytes": "4MiB",
            **settings,
        }
        text = f'state_dir = "{self.folder / "state"}"\n' + OPERATOR
        for number, source in enumerate(sources):
            text += LIST.format(number=number, source=source)
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in shared.items())
        self.file.write_text(text)

    async def start(self, *words: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cop_filter.cli", "--config", str(self.file), *words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )

    async def run(self, *words: str, **environment: str) -> tuple[int | None, str, str]:
        process = await self.start(*words, **environment)
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    async def actions(self, *words: str) -> list[str]:
        """What is done about each word now: `["block", "allow"]`, asked of a real process."""
        _, out, _ = await self.run("check", "--json", *words)
        return [json.loads(line)["action"] for line in out.splitlines()]


OPERATOR = """
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
"""
LIST = """
[[lists]]
id = "list{number}"
source = "{source}"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
answer = "nxdomain"
"""


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        one.default = serve(GOOD)
        yield one


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def in_force(site: Site) -> None:
    assert await site.actions("one.example", "http://two.example/page", "three.example", "two.example") == [
        "block",
        "block",
        "block",
        "allow",
    ]


async def test_no_fault_of_the_authority_lifts_a_block(site: Site, authority: Authority) -> None:
    """Every fault at once, each on a list of its own."""
    site.configure(*(f"{authority.url}/list{number}?key=s3cret" for number in range(len(FAULTS))))
    paths = [f"/list{number}?key=s3cret" for number in range(len(FAULTS))]
    authority.answers = {
        path: serve(GOOD + f"own{number}.example\n".encode()) for number, path in enumerate(paths)
    }
    code, _, err = await site.run("sync")
    assert code == 0, err
    before = open_engine(Store(site.folder / "state")).generation

    authority.answers = dict(zip(paths, FAULTS.values(), strict=True))
    authority.default = redirect("/again")
    code, out, err = await site.run("sync", "--json")
    assert code == 1
    for fault, outcome in zip(FAULTS, json.loads(out).values(), strict=True):
        assert (outcome["result"], outcome["entries"]) == ("refused", 4), fault
        assert outcome["error"], fault
    for secret in ("s3cret", "/list", ".example", "127.0.0.1", "Traceback"):
        assert secret not in out + err
    engine = open_engine(Store(site.folder / "state"))
    assert engine.generation == before
    for number, fault in enumerate(FAULTS):
        assert engine.decide_host(f"own{number}.example").stops, fault
    assert not engine.decide_host("n1.example").stops
    await in_force(site)
    code, out, _ = await site.run("status", "--json")
    assert code == 1
    assert {one["state"] for one in json.loads(out)["lists"]} == {"failing"}

    authority.answers = dict.fromkeys(paths, serve(BETTER))
    assert (await site.run("sync"))[0] == 0
    assert await site.actions("four.example") == ["block"]


async def test_a_hostile_authority_holds_up_no_other_and_the_watch_survives_it(
    site: Site, authority: Authority
) -> None:
    async with listening() as hostile:
        site.configure(f"{authority.url}/good.txt", f"{hostile.url}/bad.txt")
        hostile.default = serve(b"".join(b"other%d.example\n" % n for n in range(20)))
        watch = await site.start("sync", "--watch")
        try:
            await reach(site, "other7.example", "block")
            for behaviour in FAULTS.values():
                hostile.default = behaviour
                hostile.requests.clear()
                watch.send_signal(signal.SIGHUP)
                await asyncio.wait_for(hostile.asked(1), 30)
            hostile.default = hang
            authority.default = serve(BETTER)
            await reach(site, "four.example", "block")
            assert await site.actions("one.example", "other7.example") == ["block", "block"]
            assert watch.returncode is None
        finally:
            watch.terminate()
            _, err = await asyncio.wait_for(watch.communicate(), 30)
    assert watch.returncode == 0
    assert b"Traceback" not in err
    assert b".example" not in err


async def reach(site: Site, word: str, action: str) -> None:
    """Ask until the answer is as expected; each question is a process, so this is no busy loop."""
    async with asyncio.timeout(60):
        while await site.actions(word) != [action]:
            pass


async def test_a_rollback_holds_while_the_watch_runs(site: Site, authority: Authority) -> None:
    site.configure(f"{authority.url}/list.txt", interval="1s")
    await site.run("sync")
    authority.default = unless_modified(BETTER, '"v2"')
    watch = await site.start("sync", "--watch")
    try:
        await reach(site, "four.example", "block")
        code, _, err = await site.run("rollback")
        assert code == 0, err
        authority.requests.clear()
        await asyncio.wait_for(authority.asked(2), 30)
        assert await site.actions("four.example", "one.example") == ["allow", "block"]
    finally:
        watch.terminate()
        await asyncio.wait_for(watch.communicate(), 30)


async def test_a_disk_that_refuses_leaves_the_last_good_list(site: Site, authority: Authority) -> None:
    site.configure(f"{authority.url}/list.txt", max_growth=100_000.0, max_churn=100_000.0)
    await site.run("sync")
    authority.default = serve(GOOD + b"".join(b"n%d.example\n" % n for n in range(60_000)))
    # A limit on the size of files is what a full disk looks like to the one process that is tested.
    code, out, err = await run_with_small_files(site)
    assert code == 1, err
    assert "cannot be written" in out
    assert "n1.example" not in out + err
    await in_force(site)
    assert (await site.run("sync"))[0] == 0
    assert await site.actions("n59999.example") == ["block"]


async def run_with_small_files(site: Site) -> tuple[int | None, str, str]:
    script = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "from cop_filter.cli import main\n"
        "main()\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, "--config", str(site.file), "sync"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def test_a_sync_killed_at_any_time_leaves_a_whole_generation(site: Site, authority: Authority) -> None:
    site.configure(f"{authority.url}/list.txt", max_growth=100_000.0, max_churn=100_000.0, timeout="30s")
    await site.run("sync")
    big = GOOD + b"".join(b"n%d.example\n" % n for n in range(100_000))
    for kill_at in ("head", "body", "after"):
        sent = asyncio.Event()

        async def answer(exchange: Exchange, kill_at: str = kill_at, sent: asyncio.Event = sent) -> None:
            if kill_at != "head":
                await exchange.send(head(Content_Length=len(big)) + big[: len(big) // 2])
            if kill_at == "after":
                await exchange.send(big[len(big) // 2 :])
            sent.set()
            await exchange.client_leaves()

        authority.default = answer
        process = await site.start("sync")
        await asyncio.wait_for(sent.wait(), 30)
        process.kill()
        await process.communicate()
        await in_force(site)
    authority.default = serve(big)
    assert (await site.run("sync"))[0] == 0
    assert await site.actions("n99999.example") == ["block"]


async def test_the_host_of_the_list_cannot_be_blocked_by_the_list(site: Site, authority: Authority) -> None:
    site.configure(f"{authority.url}/list.txt", "https://lists.authority.example/other.txt")
    authority.default = serve(b"authority.example\nisp.example\nhotline.example\nother.example\n")
    code, out, _ = await site.run("sync")
    assert code == 1
    assert "3 in the filter's own hosts" in out
    words = (
        "lists.authority.example",
        "isp.example",
        "hotline.example",
        "authority.example",
        "other.example",
    )
    assert await site.actions(*words) == ["allow"] * 5
