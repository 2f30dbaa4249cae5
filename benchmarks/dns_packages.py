"""The peers' Debian packages: installed where that is allowed, their services never started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
_QUIET = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}


def may_install() -> bool:
    """Whether this process could install packages at all."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Iterable[str]) -> None:
    """Install what is missing, one by one: what cannot be had is told and left out."""
    missing = [package for package in packages if not version(package)]
    if not missing:
        return
    # invoke-rc.d asks this file whether a service may start (101: no).
    forbidding = not _POLICY.exists()
    if forbidding:
        _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        _POLICY.chmod(0o755)
    try:
        _apt("update")
        for package in missing:
            if not _apt("install", "--yes", "--no-install-recommends", package):
                print(f"{package} cannot be installed", file=sys.stderr)
    finally:
        if forbidding:
            _POLICY.unlink()


def version(package: str) -> str:
    """Upstream's and Debian's version of an installed package; empty when it is not."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", package]
    if shutil.which(query[0]) is None:
        return ""
    status, _, found = subprocess.run(query, capture_output=True, text=True, check=False).stdout.partition(
        " "
    )
    return found if status == "installed" else ""


def _apt(*words: str) -> bool:
    command = ["apt-get", "--quiet", "--quiet", *words]
    return subprocess.run(command, env=_QUIET, stdout=sys.stderr, check=False).returncode == 0
