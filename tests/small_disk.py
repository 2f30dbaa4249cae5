"""A file system of its own, small enough to fill."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, size: str, options: str = "") -> Iterator[Path]:
    """A tmpfs of `size` (as mount(8) reads it) below `folder`. Skips the test where it cannot be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = folder / "disk"
    disk.mkdir()
    settings = f"size={size},mode=0700{options}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", settings, "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system does not let tests mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
