"""Reads what was recorded of a quarter: the history, the audit log, and what is installed."""

import hashlib
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cop_filter import _native
from cop_filter.audit import Audit, lines, verify
from cop_filter.certify.facts import Audited, Recorded
from cop_filter.certify.quarter import Quarter
from cop_filter.config import Config
from cop_filter.errors import AuditBroken, StateError
from cop_filter.history import History
from cop_filter.store import Store
from cop_filter.verdict import Plane
from cop_filter.version import VERSION


def recorded(config: Config, quarter: Quarter, now: float) -> Recorded:
    """All of it, up to the quarter's end or `now`. Raises StateError, SignatureRefused."""
    history = History(config.state_dir)
    until = int(min(quarter.end, now))
    rows = history.rows(quarter.start, until)
    tables = {Plane.DNS: config.dns, Plane.HTTP: config.proxy, Plane.TLS: config.proxy}
    subjects = [f"list:{one.id}" for one in config.lists]
    subjects += [f"enforcing:{plane}" for plane, table in tables.items() if table is not None]
    return Recorded(
        quarter=quarter,
        until=until,
        rows=rows,
        spans={subject: history.spans(subject, quarter.start, until) for subject in subjects},
        audited=_audited(config, quarter),
        generation=Store.of(config).current(),
        versions=_versions(),
    )


def _audited(config: Config, quarter: Quarter) -> Audited:
    audit = Audit(config)
    try:
        if audit.head() is None:
            return Audited()
        verified = verify(audit.folder, [audit.public_key()])
        found = [line for line in lines(audit.folder) if quarter.start <= line.at < quarter.end]
    except AuditBroken as error:
        return Audited(broken=str(error))
    except StateError:
        return Audited()
    return Audited(found, (verified.head.lines, verified.head.digest))


def _versions() -> dict[str, str]:
    """Of what enforces; the native module, which has no version of its own, is named by its digest."""
    with Path(_native.__file__).open("rb") as file:
        native = hashlib.file_digest(file, "sha256").hexdigest()
    found = {"cop-filter": VERSION, "native (SHA-256)": native, "python": platform.python_version()}
    for package in ("mitmproxy", "aiohttp", "cryptography"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
