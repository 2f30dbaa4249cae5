"""Files of the state folder that outlive a crash: for their owner's eyes, synced to disk, replaced whole."""

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder for its owner's eyes, and those above it that are missing. Raises OSError."""
    if path.is_dir():
        return
    if not path.parent.is_dir():
        make_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def write(path: Path, content: bytes) -> None:
    """Write a file and sync it to disk; a leftover of the same name is replaced. Raises OSError.

    For a file that nobody looks for yet: who must never see half of it uses `replace`.
    """
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(path: Path, content: bytes) -> None:
    """Put a file in the place of an older one, so that a reader sees one or the other. For one writer.

    Raises OSError; the older file is whole then.
    """
    aside = path.with_name(path.name + ".new")
    write(aside, content)
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Sync to disk which names a folder holds. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
