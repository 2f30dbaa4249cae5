"""cop-filter: enforces lists of confirmed abuse URLs, exactly and without watching anyone."""

from os import PathLike
from pathlib import Path

from cop_filter.engine import Engine
from cop_filter.keyring import KeyRing
from cop_filter.loader import open_engine
from cop_filter.store import Store

__all__ = ["Engine", "open"]


def open(  # noqa: A001 - the name that users hold on to
    state_dir: str | PathLike[str], *, key_file: str | PathLike[str] | None = None
) -> Engine:
    """An engine on the generation in force in `state_dir`. Raises StateError.

    `key_file` holds the index keys where the operator keeps them apart; None: in the state folder.
    """
    ring = KeyRing(Path(state_dir), None if key_file is None else Path(key_file))
    return open_engine(Store(Path(state_dir), ring))
