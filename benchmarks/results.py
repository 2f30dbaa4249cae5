"""Where a benchmark's figures go: a table for the reader, a JSON file for the next one."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent / "results"
_PACKAGES = (
    "cop-filter",
    "dnslib",
    "mitmproxy",
    "aiohttp",
    "pyahocorasick",
    "ahocorasick-rs",
    "can-ada",
    "adblock",
)

Row = Mapping[str, Any]


def save(
    name: str,
    rows: Sequence[Row],
    *,
    by: str | None = None,
    **extra: Any,  # noqa: ANN401 - whatever JSON can hold
) -> Path:
    """Print `rows` as a table and write them to `results/<name>.json`; units belong into the key names.

    With `by`, every value of that column has a table of its own. `extra` is written beside the rows: the
    seed, the sizes, what the figures must be read with.
    """
    console = Console()
    if not console.is_terminal:
        # Piped into a file, a table needs no regard for a window.
        console = Console(width=240)
    for title in dict.fromkeys(name if by is None else row[by] for row in rows):
        console.print(_table(title, [row for row in rows if by is None or row[by] == title], leave_out=by))
    document = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": machine(),
        "versions": versions(),
        **extra,
        "rows": list(rows),
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Python, and those of the compared packages that are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """The commit measured, with a mark when the tree had changes besides results."""
    git = ["git", "-C", str(FOLDER.parent)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    changed = any("benchmarks/results/" not in line for line in changes.splitlines())
    return f"{commit}+changes" if changed else commit


def _table(name: str, rows: Sequence[Row], *, leave_out: str | None) -> Table:
    columns = [key for key in dict.fromkeys(key for row in rows for key in row) if key != leave_out]
    # What is the same in all rows is said once.
    alike = [key for key in columns if len(rows) > 1 and len({str(row.get(key)) for row in rows}) == 1]
    columns = [key for key in columns if key not in alike]
    table = Table(title=name, caption=", ".join(f"{key}: {_cell(rows[0].get(key))}" for key in alike))
    for column in columns:
        numeric = all(isinstance(row.get(column, 0), int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
