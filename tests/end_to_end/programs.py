"""The real clients that end-to-end tests need, installed where that is possible."""

import os
import shutil
import subprocess

import pytest


def require(program: str, package: str) -> str:
    """The path of `program`; Debian's `package` is installed for it as root, else the test is skipped."""
    found = shutil.which(program)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", *words], env=environment, capture_output=True, timeout=240, check=False
            )
        found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (Debian package {package})")
    return found
