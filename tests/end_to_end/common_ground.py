"""A view of the file system in which another user may run this Python.

Where the interpreter or the checkout lies in a home that is closed to others (a root's own pyenv), a command
is started in a mount namespace of its own, in which the closed folder holds these two and nothing else.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_NEEDED = (Path(sys.base_prefix), CHECKOUT)
# An interpreter that may not see its own library takes another of its version, and fails later.
_RUNS = "import cop_filter.engine, os, sys; sys.exit(os.__file__ != sys.argv[1])"
_SHOW = """
set -e
mount --make-rprivate /
aside=$(mktemp -d)
mount -t tmpfs -o mode=755 none "$aside"
{aside}
mount -t tmpfs -o mode=755 none {closed}
{back}
exec "$@"
"""


def runnable(user: str, argv: Sequence[str]) -> list[str] | None:
    """How root starts `argv` such that `user` may run it as well; None where that cannot be done."""
    for prefix in ([], *(_shown(closed) for closed in _closed())):
        tried = [*prefix, "setpriv", f"--reuid={user}", "--clear-groups"]
        able = subprocess.run(
            [*tried, sys.executable, "-c", _RUNS, os.__file__], capture_output=True, check=False
        )
        if able.returncode == 0:
            return [*prefix, *argv]
    return None


def _closed() -> list[Path]:
    """The outermost folders above what is needed that others may not enter."""
    found = {}
    for needed in _NEEDED:
        for folder in reversed(needed.parents):
            if not folder.stat().st_mode & 0o001:
                found[folder] = None
                break
    return list(found)


def _shown(closed: Path) -> list[str]:
    inside = [needed for needed in _NEEDED if needed.is_relative_to(closed)]
    quoted = [shlex.quote(str(folder)) for folder in inside]
    aside = "\n".join(
        f'mkdir "$aside/{place}"; mount --bind {folder} "$aside/{place}"'
        for place, folder in enumerate(quoted)
    )
    back = "\n".join(
        f'mkdir -p {folder}; mount --bind "$aside/{place}" {folder}' for place, folder in enumerate(quoted)
    )
    script = _SHOW.format(aside=aside, closed=shlex.quote(str(closed)), back=back)
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
