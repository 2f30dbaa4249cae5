"""What the addon decides with: the engine in force, who answers for it, and the declared fail policy."""

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from addons.decision import Decider
from addons.own_machine import is_own
from addons.reach import Address, Reach
from cop_filter import config as configuration
from cop_filter import oracle_sharing
from cop_filter.access import AccessList
from cop_filter.config import OperatorConfig, SplashConfig
from cop_filter.engine import Engine
from cop_filter.errors import ConfigError
from cop_filter.loader import Watcher, open_engine
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.report import counters
from cop_filter.rollout import share
from cop_filter.store import Store

if TYPE_CHECKING:
    from cop_filter.events import Events  # at run time only after the counters' folder is in the environment

_ROLE = "proxy"
_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Gate:
    """`profiles`: whose lists hold for a client. `inspect`: hosts with listed pages are decrypted.

    `closed`: a fault of ours blocks. `oracle`: what a client network may still be told.
    """

    engine: Decider
    operator: OperatorConfig
    events: "Events"
    reach: Reach
    inspect: bool = True
    closed: bool = True
    profiles: ClientProfiles = field(default_factory=ClientProfiles)
    oracle: OracleBudget = field(default_factory=OracleBudget.unlimited)


def open_gate(config_path: Path) -> tuple[Gate, Watcher]:
    """The gate that a configuration describes, and the watcher that keeps its engine current.

    Raises ConfigError and StateError.
    """
    config = configuration.load(config_path)
    if config.proxy is None:
        raise ConfigError(["proxy: is missing; the role needs its table: add [proxy]"])
    if counters.VARIABLE not in os.environ:
        os.environ[counters.VARIABLE] = str(counters.prepare(config.state_dir))
    from cop_filter.events import Events  # noqa: PLC0415  (it looks at the environment when imported)

    events = Events()
    store, canary = Store.of(config), share.proxy(config)
    engine = open_engine(store, canary=canary, on_fault=events.fault)
    events.generation(_ROLE, engine.generation)

    def on_swap(swapped: Engine) -> None:
        events.generation(_ROLE, swapped.generation)

    gate = Gate(
        engine=engine,
        operator=config.operator,
        events=events,
        reach=Reach(AccessList(config.proxy.clients), _page(config.splash), is_own),
        inspect=config.proxy.inspect == "listed",
        closed=any(one.mode == "enforce" and one.on_failure == "closed" for one in config.lists),
        profiles=ClientProfiles(config.profiles),
        oracle=OracleBudget(config.oracle, events.http, native=oracle_sharing.joined(config.oracle)),
    )
    return gate, Watcher(store, engine, on_swap, canary=canary)


def _page(splash: SplashConfig | None) -> frozenset[tuple[Address, int]]:
    """Where the page is found: at its own socket, and where the resolver leads those who ask for HTTP."""
    if splash is None:
        return frozenset()
    addresses = (*splash.addresses, ip_address(splash.listen.host))
    return frozenset((one, port) for one in addresses for port in (_HTTP_PORT, splash.listen.port))
