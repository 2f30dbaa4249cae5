"""`serve`: children are started, restarted with patience, and never outlive their parent."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from cop_filter import oracle_sharing
from cop_filter.config import (
    Address,
    Config,
    DnsConfig,
    ListConfig,
    MetricsConfig,
    OperatorConfig,
    OracleConfig,
    ProxyConfig,
    SplashConfig,
)
from cop_filter.supervisor import Patience, Role, Supervisor, environment, role, roles
from cop_filter.verdict import LegalBasis

QUICK = Patience(first_s=0.01, most_s=0.02)
OPERATOR = OperatorConfig("Example Net", "officer", "https://isp.example/appeal", "https://hotline.example")
LIST = ListConfig("national", "file:///x", "Example Hotline", "csam", LegalBasis.MEMBERSHIP)


def script(code: str, name: str = "dns") -> Role:
    return Role(name, (sys.executable, "-c", "import os, signal, sys\n" + code))


def says_pid(path: Path) -> str:
    return f"print(os.getpid(), file=open({str(path)!r}, 'a'), flush=True)\n"


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def status_line(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).split()[1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  what other processes do sets no event here
            await asyncio.sleep(0.01)


@asynccontextmanager
async def supervised(
    tmp_path: Path,
    *some: Role,
    grace_s: float = 10,
    may_enforce: Callable[[asyncio.Event], Awaitable[None]] | None = None,
    oracle: int | None = None,
) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(
        some,
        os.environ,
        counters_dir=tmp_path,
        oracle=oracle,
        patience=QUICK,
        grace_s=grace_s,
        may_enforce=may_enforce,
    )
    running = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        supervisor.stop()
        await asyncio.wait_for(running, 20)


async def test_a_role_that_ends_is_started_again(tmp_path: Path) -> None:
    started = tmp_path / "started"
    async with supervised(tmp_path, script(says_pid(started) + "sys.exit(7)")):
        await until(lambda: len(pids(started)) >= 3)
    assert len(set(pids(started))) == len(pids(started))


async def test_a_role_that_is_killed_is_started_again_and_the_others_are_left_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    waits = "signal.pause()"
    async with supervised(
        tmp_path, script(says_pid(one) + waits, "dns"), script(says_pid(two) + waits, "proxy")
    ) as supervisor:
        await until(lambda: bool(pids(one) and pids(two)))
        os.kill(supervisor.running["dns"], signal.SIGKILL)
        await until(lambda: len(pids(one)) == 2)
        assert supervisor.running == {"dns": pids(one)[1], "proxy": pids(two)[0]}
    assert not any(map(lives, pids(one) + pids(two)))


async def test_stopping_lets_every_role_end_in_order(tmp_path: Path) -> None:
    ready, ended = tmp_path / "ready", tmp_path / "ended"
    code = (
        f"signal.signal(signal.SIGTERM, lambda *_: ({says_pid(ended).strip()}, sys.exit(0)))\n"
        + says_pid(ready)
        + "signal.pause()"
    )
    async with supervised(tmp_path, script(code, "dns"), script(code, "splash")):
        await until(lambda: len(pids(ready)) == 2)
    assert sorted(pids(ended)) == sorted(pids(ready))


async def test_a_role_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + says_pid(ready) + "while True: signal.pause()"
    async with supervised(tmp_path, script(code), grace_s=0.1):
        await until(lambda: bool(pids(ready)))
    assert not lives(pids(ready)[0])


async def test_what_a_dead_role_left_behind_does_not_keep_the_port(tmp_path: Path) -> None:
    workers = tmp_path / "workers"
    code = "if os.fork() == 0:\n    " + says_pid(workers) + "    signal.pause()\n" + "signal.pause()"
    async with supervised(tmp_path, script(code)) as supervisor:
        await until(lambda: len(pids(workers)) == 1)
        os.kill(supervisor.running["dns"], signal.SIGKILL)
        await until(lambda: len(pids(workers)) == 2)
        await until(lambda: not lives(pids(workers)[0]))
    await until(lambda: not any(map(lives, pids(workers))))


async def test_a_role_that_cannot_be_started_does_not_take_the_others_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ready = tmp_path / "ready"
    missing = Role("proxy", (str(tmp_path / "none"),))
    async with supervised(tmp_path, missing, script(says_pid(ready) + "signal.pause()")):
        await until(lambda: bool(pids(ready)) and "could not be started" in caplog.text)
        assert lives(pids(ready)[0])


async def test_asking_for_all_lists_reaches_the_role_that_refreshes_them(tmp_path: Path) -> None:
    ready, asked = tmp_path / "ready", tmp_path / "asked"
    code = (
        f"signal.signal(signal.SIGHUP, lambda *_: {says_pid(asked).strip()})\n"
        + says_pid(ready)
        + "while True: signal.pause()"
    )
    async with supervised(tmp_path, script(code, "sync"), script(code, "dns")) as supervisor:
        await until(lambda: len(pids(ready)) == 2)
        supervisor.refresh()
        await until(lambda: bool(pids(asked)))
        assert pids(asked) == [supervisor.running["sync"]]


async def test_a_role_that_knows_no_hangup_survives_one(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    async with supervised(tmp_path, script(says_pid(ready) + "while True: signal.pause()")):
        await until(lambda: bool(pids(ready)))
        ignored = int(status_line(pids(ready)[0], "SigIgn"), 16)
    assert ignored & 1 << (signal.SIGHUP - 1)


async def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    one = script(says_pid(ready) + "signal.pause()")
    code = (
        "import asyncio, os\nfrom pathlib import Path\nfrom cop_filter.supervisor import Role, Supervisor\n"
        f"asyncio.run(Supervisor(({one!r},), os.environ, counters_dir=Path({str(tmp_path)!r})).run())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    try:
        await until(lambda: bool(pids(ready)))
    finally:
        parent.kill()
        await parent.wait()
    await until(lambda: not lives(pids(ready)[0]))


async def test_what_enforces_is_started_when_it_may_and_the_rest_at_once(tmp_path: Path) -> None:
    sync, dns = tmp_path / "sync", tmp_path / "dns"
    allowed = asyncio.Event()

    async def may_enforce(_: asyncio.Event) -> None:
        await allowed.wait()

    waits = "signal.pause()"
    enforcing = Role("dns", script(says_pid(dns) + waits).argv, enforces=True)
    async with supervised(
        tmp_path, enforcing, script(says_pid(sync) + waits, "sync"), may_enforce=may_enforce
    ) as supervisor:
        await until(lambda: bool(pids(sync)))
        assert list(supervisor.running) == ["sync"]
        allowed.set()
        await until(lambda: bool(pids(dns)))


async def test_who_stops_before_anything_may_enforce_waits_for_nothing(tmp_path: Path) -> None:
    dns = tmp_path / "dns"

    async def may_enforce(stopping: asyncio.Event) -> None:
        await stopping.wait()

    async with supervised(
        tmp_path, Role("dns", script(says_pid(dns)).argv, enforces=True), may_enforce=may_enforce
    ):
        pass
    assert pids(dns) == []


async def test_a_role_that_is_started_again_still_knows_what_its_clients_were_told(tmp_path: Path) -> None:
    config = OracleConfig(3, 1e9)
    oracle = oracle_sharing.share(config)
    assert oracle is not None
    account = oracle.account("192.0.2.1")
    told, waits = tmp_path / "told", "signal.pause()"
    # Each run tells one entry more and says how many have been told before.
    code = (
        "from cop_filter import oracle_sharing\nfrom cop_filter.config import OracleConfig\n"
        "oracle = oracle_sharing.joined(OracleConfig(3, 1e9))\naccount = oracle.account('192.0.2.1')\n"
        f"spent = oracle.is_spent(account, 0.0)\noracle.tell(account, os.getpid(), 0.0)\n"
        f"print(int(spent), file=open({str(told)!r}, 'a'), flush=True)\n"
    )
    role_of_page = Role("splash", script(code + waits).argv, tells=True)
    async with supervised(tmp_path, role_of_page, oracle=oracle.descriptor) as supervisor:
        for number in range(1, 5):
            await until(lambda number=number: len(pids(told)) == number)  # type: ignore[misc]
            os.kill(supervisor.running["splash"], signal.SIGKILL)
    assert pids(told)[:4] == [0, 0, 0, 1]
    assert oracle.is_spent(account, 0.0)


@pytest.mark.parametrize("tells", [False, True])
async def test_only_who_tells_clients_what_is_listed_is_handed_what_they_were_told(
    tmp_path: Path, tells: bool
) -> None:
    oracle = oracle_sharing.share(OracleConfig())
    assert oracle is not None
    found = tmp_path / "found"
    code = (
        "links = [os.path.realpath('/proc/self/fd/' + name) for name in os.listdir('/proc/self/fd')]\n"
        "has = any('cop-filter-oracle' in link for link in links)\n"
        f"knows = {oracle_sharing.VARIABLE!r} in os.environ\n"
        f"print(has + knows, file=open({str(found)!r}, 'a'), flush=True)\nsignal.pause()"
    )
    one = Role("splash", script(code).argv, tells=tells)
    async with supervised(tmp_path, one, oracle=oracle.descriptor):
        await until(lambda: len(pids(found)) == 1)
    assert pids(found) == [2 * tells]


def test_patience_doubles_and_is_forgiven_after_a_healthy_run() -> None:
    patience = Patience(first_s=0.5, most_s=30, healthy_s=60)
    waits, delay = [], None
    for _ in range(9):
        delay = patience.next_delay_s(delay, ran_s=1)
        waits.append(delay)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert patience.next_delay_s(30, ran_s=60) == 0.5


def test_only_the_roles_with_a_table_are_run_and_lists_are_always_refreshed(tmp_path: Path) -> None:
    here = Address("127.0.0.1", 5353)
    config = Config(tmp_path, OPERATOR, (LIST,))
    assert [one.name for one in roles(config, tmp_path / "c.toml")] == ["sync"]
    everything = Config(
        tmp_path,
        OPERATOR,
        (LIST,),
        dns=DnsConfig((here,), (here,), ()),
        proxy=ProxyConfig(here),
        splash=SplashConfig(here, (ip_address("192.0.2.80"),)),
        metrics=MetricsConfig(here),
    )
    found = roles(everything, tmp_path / "c.toml")
    assert [one.name for one in found] == ["sync", "splash", "dns", "proxy", "metrics", "selftest"]
    assert [one.name for one in found if one.enforces] == ["dns", "proxy"]
    assert [one.name for one in found if one.tells] == ["splash", "dns", "proxy"]


def test_a_role_is_started_by_this_interpreter_and_never_from_the_current_folder() -> None:
    assert role("dns", Path("/etc/c.toml")).argv == (
        *(sys.executable, "-P", "-m", "dns_resolver", "--config", "/etc/c.toml"),
    )
    assert role("proxy", Path("/etc/c.toml")).argv[3] == "addons"
    assert role("sync", Path("/etc/c.toml")).argv[3:] == (
        *("cop_filter.cli", "--config", "/etc/c.toml", "sync", "--watch"),
    )


def test_every_role_counts_into_the_state_folder(tmp_path: Path) -> None:
    found = environment(Config(tmp_path / "state", OPERATOR, (LIST,)))
    assert found["PROMETHEUS_MULTIPROC_DIR"] == str(tmp_path / "state/metrics")
    assert (tmp_path / "state/metrics").is_dir()
