"""How another process of this machine has the one that syncs refresh a list: a file `wake/ID` in the state.

Whoever may write the state folder may ask. The file is empty; it is gone once the request was seen.
"""

import os
from pathlib import Path

from cop_filter import durable
from cop_filter.errors import StateError

_FOLDER = "wake"


def ask(state_dir: Path, list_id: str) -> None:
    """Have a list refreshed at once, if a process is watching. Raises StateError when it cannot be asked."""
    if "/" in list_id or list_id in ("", ".", ".."):
        raise ValueError("no id of a list")
    try:
        durable.make_folder(state_dir / _FOLDER)
        os.close(os.open(state_dir / _FOLDER / list_id, os.O_WRONLY | os.O_CREAT, 0o600))
    except OSError as error:
        raise StateError(f"the refresh of list {list_id} cannot be asked for: {error.strerror}") from None


def asked(state_dir: Path) -> set[str]:
    """The lists that were asked for since the last call; each request is given once. Blocks.

    One that cannot be taken away is not given, because it would be given for ever. Raises nothing.
    """
    found: set[str] = set()
    try:
        names = os.listdir(state_dir / _FOLDER)  # noqa: PTH208  read five times a second: names are enough
    except OSError:
        return found
    for name in names:
        try:
            (state_dir / _FOLDER / name).unlink()
        except OSError:
            continue
        found.add(name)
    return found
