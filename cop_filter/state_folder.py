"""Who may open what is in the state folder: its owner alone. Looked at when a process starts.

Folders that libraries make and fill (prometheus-client's counters, mitmproxy's certificates, what a
source's client remembers) have the modes that those libraries give: the state folder shuts them away.
Everything else is looked at file by file, for a folder's mode is changed sooner than noticed.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cop_filter.errors import StateError

FILLED_BY_LIBRARIES = frozenset({"metrics", "mitmproxy", "sources"})
_OTHERS = 0o077


def check(root: Path) -> None:
    """Refuse a folder that others may look into, or that leads elsewhere; nothing where there is none.

    The folder itself may be reached through a link, nothing in it may be one. Raises StateError, which
    names the file and what to do.
    """
    try:
        top = root.stat()
        _check(top, "state_dir", top.st_uid)
        if os.geteuid() not in (0, top.st_uid):
            raise StateError(
                "state_dir is of another user than this process: run it as that user, or chown it"
            )
        for entry in _walk(root):
            name = f"{Path(entry.path).relative_to(root)} in state_dir"
            if entry.is_symlink():
                raise StateError(f"{name} is a symbolic link: put there what it leads to")
            # What the publisher replaces meanwhile is no finding.
            if (status := _status(entry)) is not None:
                _check(status, name, top.st_uid, any_mode=_is_a_librarys(entry, root))
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"state_dir cannot be looked at: {error.strerror}; run this as its owner") from None


def _is_a_librarys(entry: os.DirEntry[str], root: Path) -> bool:
    return entry.name in FILLED_BY_LIBRARIES and Path(entry.path).parent == root


def _check(status: os.stat_result, name: str, owner: int, *, any_mode: bool = False) -> None:
    if status.st_uid != owner:
        raise StateError(f"{name} is not of the user that state_dir is of: chown it")
    is_folder = stat.S_ISDIR(status.st_mode)
    if not any_mode and status.st_mode & _OTHERS and (is_folder or stat.S_ISREG(status.st_mode)):
        mode = "700" if is_folder else "600"
        raise StateError(f"{name} may be opened by others than its owner: chmod {mode} it")


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _walk(folder: Path, *, top: bool = True) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except FileNotFoundError:
        if top:
            raise
        return
    for entry in found:
        yield entry
        if entry.is_dir(follow_symlinks=False) and not (top and entry.name in FILLED_BY_LIBRARIES):
            yield from _walk(Path(entry.path), top=False)
