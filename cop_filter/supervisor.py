"""`cop-filter serve`: every role of the configuration as a child process, restarted when it dies.

The roles share files, so that none can take another down, and one piece of memory in which those that tell
clients what is listed count it without locks. This process only starts, watches and ends them, and ends
nothing but what it started.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cop_filter import lifeline, oracle_sharing, privileges
from cop_filter.config import Config
from cop_filter.first_lists import FirstLists
from cop_filter.report import counters
from cop_filter.store import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Role:
    """One child: its name in the log, how it is started, and whether it acts upon what is published.

    `hidden` are the environment variables that it is not given: other roles' secrets. `tells`: clients learn
    from it what is listed, so it is handed the oracle budget.
    """

    name: str
    argv: tuple[str, ...]
    enforces: bool = False
    tells: bool = False
    hidden: frozenset[str] = frozenset()


def role(name: str, config_path: Path) -> Role:
    """How the role `name` is started on its own, by this interpreter."""
    # -P: a folder named dns_resolver where somebody happens to stand must not be run instead of ours.
    python = (sys.executable, "-P", "-m")
    path = str(config_path.absolute())
    modules = {"dns": "dns_resolver", "proxy": "addons"}
    if name in modules:
        return Role(name, (*python, modules[name], "--config", path), enforces=True, tells=True)
    words = (name, "--watch") if name in ("sync", "selftest") else (name,)
    return Role(name, (*python, "cop_filter.cli", "--config", path, *words), tells=name == "splash")


def roles(config: Config, config_path: Path) -> tuple[Role, ...]:
    """The roles that the configuration has a table for; lists are always refreshed.

    What enforces is asked for canaries at every interval of the self-test.
    """
    tables = {
        "splash": config.splash,
        "dns": config.dns,
        "proxy": config.proxy,
        "metrics": config.metrics,
        "selftest": config.dns or config.proxy,
    }
    names = ["sync", *(name for name, table in tables.items() if table is not None)]
    secrets = {
        variable
        for one in config.lists
        for variable in (one.credentials.bearer_token_env, one.credentials.password_env)
        if variable is not None
    }
    if config.push.token_env is not None:
        secrets.add(config.push.token_env)
    # Those that face the network have no use for what opens the lists' servers.
    return tuple(
        replace(role(name, config_path), hidden=frozenset() if name == "sync" else frozenset(secrets))
        for name in names
    )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before a restart: doubling, and forgiven after a healthy run."""

    first_s: float = 0.5
    most_s: float = 30.0
    healthy_s: float = 60.0

    def next_delay_s(self, last_delay_s: float | None, ran_s: float) -> float:
        """The wait after a run of `ran_s` seconds that was itself preceded by `last_delay_s`."""
        if last_delay_s is None or ran_s >= self.healthy_s:
            return self.first_s
        return min(last_delay_s * 2, self.most_s)


class Supervisor:
    """Runs roles until told to stop. `grace_s` is what a child has between SIGTERM and SIGKILL.

    Roles that enforce are started when `may_enforce` returns, which is given what tells it to hurry.
    `oracle` is the descriptor of the memory in which roles count what they tell.
    """

    def __init__(
        self,
        roles: tuple[Role, ...],
        environment: Mapping[str, str],
        *,
        counters_dir: Path,
        oracle: int | None = None,
        may_enforce: Callable[[asyncio.Event], Awaitable[None]] | None = None,
        patience: Patience = Patience(),
        grace_s: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roles = roles
        self._environment = {
            name: value for name, value in environment.items() if name != oracle_sharing.VARIABLE
        }
        self._oracle = oracle
        self._counters_dir = counters_dir
        self._may_enforce = may_enforce
        self._patience = patience
        self._grace_s = grace_s
        self._clock = clock
        self._stopping = asyncio.Event()
        self._children: dict[str, asyncio.subprocess.Process] = {}

    @property
    def running(self) -> dict[str, int]:
        """Name of the role -> process id, of the children that live now."""
        return {name: child.pid for name, child in self._children.items()}

    def refresh(self) -> None:
        """Ask for all lists now: the role that refreshes them does so on SIGHUP."""
        if "sync" in self._children:
            with contextlib.suppress(ProcessLookupError):
                self._children["sync"].send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ask `run` to end every child and return."""
        if not self._stopping.is_set():
            _log.info("stopping")
        self._stopping.set()

    async def run(self) -> None:
        """Start all roles and keep them; returns when `stop` was called and every child has ended."""
        async with asyncio.TaskGroup() as group:
            enforcing = [one for one in self._roles if one.enforces]
            for one in self._roles:
                if one not in enforcing:
                    group.create_task(self._keep(one), name=one.name)
            if enforcing and self._may_enforce is not None:
                await self._may_enforce(self._stopping)
            for one in enforcing:
                group.create_task(self._keep(one), name=one.name)

    async def _keep(self, one: Role) -> None:
        delay_s: float | None = None
        while not self._stopping.is_set():
            started = self._clock()
            try:
                ended = await self._run_once(one)
            except OSError as exc:
                ended = f"could not be started: {exc.strerror}"
            if self._stopping.is_set():
                return
            delay_s = self._patience.next_delay_s(delay_s, self._clock() - started)
            _log.error("role %s %s; starting it again in %g s", one.name, ended, delay_s)
            with contextlib.suppress(OSError):
                counters.forget_gauges(self._counters_dir)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self, one: Role) -> str:
        """Start the role, wait until it ends or is ended, and say how it ended."""
        environment = {name: value for name, value in self._environment.items() if name not in one.hidden}
        handed = () if self._oracle is None or not one.tells else (self._oracle,)
        if handed:
            environment[oracle_sharing.VARIABLE] = str(self._oracle)
        child = await asyncio.create_subprocess_exec(
            *one.argv,
            env=environment,
            pass_fds=handed,
            stdin=asyncio.subprocess.DEVNULL,
            # Its own group: Ctrl-C in a terminal reaches this process alone, which ends all in order.
            process_group=0,
            preexec_fn=die_with(os.getpid()),
        )
        self._children[one.name] = child
        _log.info("role %s started, process %d", one.name, child.pid)
        waiting = asyncio.ensure_future(child.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if child.returncode is None:
                await self._end(one.name, child)
            await waiting
            _end_group(child.pid)
            del self._children[one.name]
        code = child.returncode
        return f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"

    async def _end(self, name: str, child: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), self._grace_s)
        except TimeoutError:
            _log.warning("role %s did not end within %g s; killing it", name, self._grace_s)
            with contextlib.suppress(ProcessLookupError):
                child.kill()


def _end_group(leader: int) -> None:
    """Kill what a dead child left of its own process group, so that its orphans do not keep the port."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def die_with(parent: int) -> Callable[[], None]:
    """What a child does before it becomes its program (`preexec_fn`): tie its life to its parent's."""

    def tie() -> None:
        # A role that has no use for SIGHUP, or has not yet come so far, must not be ended by it.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        privileges.be_root_again()  # it has ports to bind
        lifeline.end_with(parent)

    return tie


def environment(config: Config) -> dict[str, str]:
    """The environment of the roles: ours, and where they count. Prepares that folder."""
    folder = counters.prepare(config.state_dir)
    return {**os.environ, counters.VARIABLE: str(folder)}


async def _serve(config: Config, config_path: Path) -> None:
    ids = [one.id for one in config.lists]
    oracle = oracle_sharing.share(config.oracle)
    supervisor = Supervisor(
        roles(config, config_path),
        environment(config),
        counters_dir=counters.counters_dir(config.state_dir),
        oracle=None if oracle is None else oracle.descriptor,
        may_enforce=FirstLists(Store.of(config), ids).wait,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    loop.add_signal_handler(signal.SIGHUP, supervisor.refresh)
    await supervisor.run()
    _log.info("stopped")


def serve(config: Config, config_path: Path) -> None:
    """Run every configured role until SIGTERM or SIGINT; SIGHUP refreshes all lists.

    Started as root it stays so for its children's sake, and does all else as the configuration's user.
    Raises StateError when the state folder cannot be used, ConfigError when there is no such user.
    """
    account = privileges.account(config.user, config.group)
    with privileges.acting_as(account, config.state_dir):
        Store.of(config).prepare()
        if account is None:
            privileges.warn_of_root()
        asyncio.run(_serve(config, config_path))
