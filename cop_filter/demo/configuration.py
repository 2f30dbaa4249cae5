"""The configuration that `cop-filter serve` is started with: all roles, all on loopback."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cop_filter.demo.lists import Published
from cop_filter.demo.replies import APPEALS, HOTLINE, OFFICER, OPERATOR, PAGE_ADDRESS


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the roles listen: all on 127.0.0.1, but the page on PAGE_ADDRESS."""

    dns: int
    proxy: int
    splash: int
    metrics: int


def text(
    *,
    state_dir: Path,
    ports: Ports,
    upstream_port: int,
    origin_ca: Path,
    lists: Iterable[tuple[Published, str]],
) -> str:
    """The TOML; `lists` come with the URL of each."""
    tables = "".join(_list_table(published, source) for published, source in lists)
    return f"""\
state_dir = {_quoted(state_dir)}

[operator]
name = {_quoted(OPERATOR)}
responsible_officer = {_quoted(OFFICER)}
appeals = {_quoted(APPEALS)}
hotline = {_quoted(HOTLINE)}
{tables}
[dns]
listen = ["127.0.0.1:{ports.dns}"]
upstreams = ["127.0.0.1:{upstream_port}"]
clients = ["127.0.0.0/8"]

[proxy]
listen = "127.0.0.1:{ports.proxy}"
upstream_ca_file = {_quoted(origin_ca)}

[splash]
listen = "{PAGE_ADDRESS}:{ports.splash}"
addresses = ["{PAGE_ADDRESS}"]

[metrics]
listen = "127.0.0.1:{ports.metrics}"
"""


def _list_table(published: Published, source: str) -> str:
    settings = "\n".join(published.settings)
    return f"""
[[lists]]
id = {_quoted(published.id)}
source = {_quoted(source)}
authority = "Example Hotline"
category = "demo"
interval = "{published.interval}"
timeout = "2s"
retries = 0
free_change = 0
{settings}
"""


def _quoted(value: object) -> str:
    # JSON's strings are TOML's basic strings.
    return json.dumps(str(value), ensure_ascii=False)
