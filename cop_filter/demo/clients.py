"""Which clients ask: dig and curl, as people use them; Python's own where they cannot be had."""

import os
import shutil
from collections.abc import Callable
from typing import NamedTuple

from cop_filter.demo.curl import Curl, find_features
from cop_filter.demo.dig import Dig
from cop_filter.demo.own_clients import AiohttpClient, DnslibClient
from cop_filter.demo.programs import run
from cop_filter.demo.replies import DnsClient, HttpClient

_PACKAGES = {"dig": "bind9-dnsutils", "curl": "curl"}
_INSTALL_S = 240


class Clients(NamedTuple):
    """One for each protocol."""

    dns: DnsClient
    http: HttpClient


async def install_missing(say: Callable[[str], None]) -> None:
    """Install Debian's dig and curl where they are missing and this is root; else do nothing."""
    missing = [package for program, package in _PACKAGES.items() if shutil.which(program) is None]
    apt_get = shutil.which("apt-get")
    if not missing or apt_get is None or os.geteuid() != 0:
        return
    say(f"Installing {' and '.join(missing)}, to ask with real clients")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
        await run([apt_get, "-q", *words], within_s=_INSTALL_S, environment=quiet)


async def choose(dns_port: int, say: Callable[[str], None]) -> Clients:
    """The clients that this machine has; what is missing is said."""
    dig, curl = shutil.which("dig"), shutil.which("curl")
    dns: DnsClient = Dig(dig, dns_port) if dig else DnslibClient(dns_port)
    http: HttpClient = AiohttpClient()
    if curl:
        http = Curl(curl, speaks_http2="HTTP2" in await find_features(curl))
    for program, found, instead in (("dig", dig, dns.name), ("curl", curl, http.name)):
        if found is None:
            say(f"{program} is not installed ({_PACKAGES[program]}): asking with {instead} instead")
    if not http.speaks_http2:
        say(f"{http.name} does not speak HTTP/2 here: that question is left out")
    return Clients(dns, http)
