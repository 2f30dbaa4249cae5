"""A published list to measure on: the configuration, the generation, and a port to serve it at."""

import socket
import sys
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import cop_filter.config
from cop_filter import compiler
from cop_filter.entries import parse_many
from cop_filter.store import Store

_CHUNK = 8192

_BASE = """
state_dir = "{folder}/state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:{folder}/national.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
[oracle]
budget = 0
"""
"""One client asks for the whole list: no oracle budget, which would soon refuse it everything."""


def publish(path: Path, roles: str, texts: Iterable[str]) -> Path:
    """Write a configuration with the tables in `roles`, and publish `texts` unless that is done; `path`."""
    path.write_text(_BASE.format(folder=path.parent) + roles, encoding="utf-8")
    if Store(cop_filter.config.load(path).state_dir).current() is None:
        publish_anew(path, texts)
    return path


def publish_anew(path: Path, texts: Iterable[str]) -> None:
    """Publish `texts` as the next generation of what the configuration at `path` tells."""
    config = cop_filter.config.load(path)
    store = Store(config.state_dir)
    store.prepare()
    remaining = iter(texts)
    with compiler.draft(store, config) as draft:
        while chunk := list(islice(remaining, _CHUNK)):
            draft.replace("national", parse_many(chunk))
        draft.publish()


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def main() -> None:
    """`published.py CONFIG LIST`: publish plain lines; prints the monotonic time when that is done."""
    config, listed = map(Path, sys.argv[1:])
    with listed.open(encoding="ascii") as lines:
        publish_anew(config, (line.rstrip("\n") for line in lines))
    print(time.monotonic(), flush=True)


if __name__ == "__main__":
    main()
