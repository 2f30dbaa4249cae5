"""The live listeners of a configuration, and how each is asked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cop_filter.canaries import Question
from cop_filter.config import Address, Config
from cop_filter.selftest import dns_question, http_question
from cop_filter.selftest.dns_question import Blocking, Said
from cop_filter.selftest.ways import Network, Way
from cop_filter.verdict import Plane

Ask = Callable[[Way, Question], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class Listener:
    """One socket that clients ask on one plane; `table` is the configuration's, which names its `clients`."""

    plane: Plane
    name: str
    table: str
    listen: Address
    clients: Sequence[Network]
    ask: Ask


def of_config(config: Config, blocking: Blocking) -> tuple[Listener, ...]:
    """All of them: each address of the resolver over UDP and TCP, and the proxy for pages and for tunnels."""
    found: list[Listener] = []
    dns, proxy = config.dns, config.proxy
    if dns is not None:
        transports: tuple[dns_question.Transport, ...] = ("udp", "tcp")
        found += [
            Listener(
                Plane.DNS, f"{transport} {_shown(listen)}", "dns", listen, dns.clients,
                partial(_ask_dns, transport, blocking),
            )
            for listen in dns.listen
            for transport in transports
        ]  # fmt: skip
    if proxy is not None:
        found += [
            Listener(
                plane, f"proxy {_shown(proxy.listen)}", "proxy", proxy.listen, proxy.clients,
                partial(_ask_proxy, plane),
            )
            for plane in (Plane.HTTP, Plane.TLS)
        ]  # fmt: skip
    return tuple(found)


async def _ask_dns(transport: dns_question.Transport, blocking: Blocking, way: Way, asked: Question) -> Said:
    return await dns_question.ask(way, transport, asked.host, blocking)


async def _ask_proxy(plane: Plane, way: Way, asked: Question) -> Said:
    return await http_question.ask(way, plane, asked)


def _shown(listen: Address) -> str:
    return f"[{listen.host}]:{listen.port}" if ":" in listen.host else f"{listen.host}:{listen.port}"
