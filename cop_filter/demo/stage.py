"""Everything that the demo runs, started in order and ended in order, whatever happens in between."""

import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cop_filter.demo import configuration
from cop_filter.demo.authority import Authority
from cop_filter.demo.certificates import OriginCa
from cop_filter.demo.clients import Clients, choose, install_missing
from cop_filter.demo.configuration import Ports
from cop_filter.demo.http_questions import HTTPS_HOSTS, Trust
from cop_filter.demo.lists import OWN, Published, samples
from cop_filter.demo.loopback_names import environment
from cop_filter.demo.origin import Origin
from cop_filter.demo.replies import PAGE_ADDRESS, HttpRequest
from cop_filter.demo.service import Service, free_port, until
from cop_filter.demo.upstream import Upstream

READY_WITHIN_S = 45
_GENERATION = re.compile(rb"^cop_filter_generation(?:_in_force\{role=\"\w+\"\})? (\d+)", re.MULTILINE)
_ROLES_THAT_ENFORCE = 3


class NotReady(Exception):  # noqa: N818  what happened, as in a sentence
    """`cop-filter serve` did not come up; the message is the end of its log."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is running, and how to reach it."""

    folder: Path
    state_dir: Path
    ports: Ports
    authority: Authority
    upstream: Upstream
    origin: Origin
    service: Service
    clients: Clients
    trust: Trust
    lists: tuple[Published, ...]

    @property
    def proxy(self) -> str:
        """The proxy as `host:port`."""
        return f"127.0.0.1:{self.ports.proxy}"

    @property
    def page(self) -> str:
        """The page's server as `host:port`."""
        return f"{PAGE_ADDRESS}:{self.ports.splash}"

    @property
    def samples(self) -> tuple[Published, ...]:
        """The sample lists of the repository, if it is there."""
        return tuple(one for one in self.lists if one not in OWN)

    async def metrics(self) -> bytes:
        """What the metrics endpoint says now."""
        url = f"http://127.0.0.1:{self.ports.metrics}/metrics"
        return (await self.clients.http.fetch(HttpRequest(url))).body


@asynccontextmanager
async def built(say: Callable[[str], None]) -> AsyncIterator[Stage]:
    """Start everything; `until_ready` waits until it enforces."""
    await install_missing(say)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cop-filter-demo-")))
        authority = await stack.enter_async_context(Authority(folder / "lists").running())
        upstream = await stack.enter_async_context(Upstream().running())
        ca = OriginCa(folder / "origin")
        origin = await stack.enter_async_context(Origin().running(ca.server(HTTPS_HOSTS)))
        lists = (*OWN, *samples())
        for published in lists:
            authority.publish(published.file, published.body)
        ports, state_dir = free_ports(), folder / "state"
        config = folder / "cop-filter.toml"
        config.write_text(
            configuration.text(
                state_dir=state_dir,
                ports=ports,
                upstream_port=upstream.port,
                origin_ca=ca.pem,
                lists=[(published, authority.url(published.file)) for published in lists],
            ),
            encoding="utf-8",
        )
        world = environment(folder / "names", {80: origin.http_port, 443: origin.https_port}, os.environ)
        service = Service(config, folder / "serve.log", world)
        clients = await choose(ports.dns, say)
        stack.push_async_callback(service.stop)
        await service.start()
        trust = Trust(ca.pem, state_dir / "mitmproxy" / "mitmproxy-ca-cert.pem")
        yield Stage(folder, state_dir, ports, authority, upstream, origin, service, clients, trust, lists)


async def until_ready(stage: Stage) -> None:
    """Wait until every list is in force in every role. Raises NotReady."""

    async def ready_or_dead() -> bool:
        return not stage.service.alive or await _ready(stage)

    came = await until(ready_or_dead, within_s=READY_WITHIN_S, pause_s=0.1)
    if came is None or not stage.service.alive:
        raise NotReady(stage.service.last_lines())


async def _ready(stage: Stage) -> bool:
    # Cheap questions first: the command starts an interpreter.
    generations = _GENERATION.findall(await stage.metrics())
    if len(generations) != 1 + _ROLES_THAT_ENFORCE or len(set(generations)) != 1:
        return False
    if (await stage.clients.http.fetch(HttpRequest(f"http://{stage.proxy}/"))).status == 0:
        return False
    status = await stage.service.status()
    return len(status) == len(stage.lists) and all(row["state"] == "ok" for row in status.values())


def free_ports() -> Ports:
    """Ports that nobody uses now."""
    return Ports(
        dns=free_port("127.0.0.1", socket.SOCK_STREAM, socket.SOCK_DGRAM),
        proxy=free_port("127.0.0.1", socket.SOCK_STREAM),
        splash=free_port(PAGE_ADDRESS, socket.SOCK_STREAM),
        metrics=free_port("127.0.0.1", socket.SOCK_STREAM),
    )
