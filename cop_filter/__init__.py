"""cop-filter: enforces lists of confirmed abuse URLs, exactly and without watching anyone."""

from os import PathLike
from pathlib import Path

from cop_filter.engine import Engine
from cop_filter.loader import open_engine
from cop_filter.store import Store

__all__ = ["Engine", "open"]


def open(state_dir: str | PathLike[str]) -> Engine:  # noqa: A001 - the name that users hold on to
    """An engine on the generation in force in `state_dir`. Raises StateError."""
    return open_engine(Store(Path(state_dir)))
