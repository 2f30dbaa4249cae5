"""Reads a file that holds a secret, and only one that nobody but its owner may open."""

import os
from pathlib import Path


class ReadableByOthersError(Exception):
    """The file's mode lets its group or everybody read, write or run it."""


def read(path: Path, most_bytes: int = -1, *, follow: bool = True) -> bytes:
    """What the file holds, up to `most_bytes`; not `follow`: it must be no symbolic link.

    Raises OSError, and ReadableByOthersError.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | (0 if follow else os.O_NOFOLLOW)), "rb") as file:
        # The open file is looked at, not its name: the name may lead elsewhere by then.
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise ReadableByOthersError
        return file.read(most_bytes)
