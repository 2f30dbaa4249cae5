"""Configurations with an audit log, and the log's files as an attacker sees them."""

from collections.abc import Callable
from pathlib import Path

from generations import a_config

from cop_filter.audit import Audit
from cop_filter.config import Config, ListConfig

NOW = 1_800_000_000


def config_in(folder: Path, *lists: ListConfig, **more: object) -> Config:
    return a_config(folder / "state", *lists, **more)


def log_of(config: Config, records: int = 5, max_file_bytes: int = 4096) -> Audit:
    audit = Audit(config, clock=lambda: NOW, max_file_bytes=max_file_bytes)
    for number in range(records):
        audit.record("list_published", list="national", generation=number, entries=number * 1000)
    return audit


def rewrite(audit: Audit, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines of a log that has one file."""
    (path,) = audit.folder.glob("*.jsonl")
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
