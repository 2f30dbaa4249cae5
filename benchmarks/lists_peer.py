"""The same refresh in the simplest way that enforces it: download, split into a set, swap that in.

What a script beside a resolver does. It proves nothing, guards nothing, keeps the entries in clear in its
memory, and survives no restart. A process of its own fetches, so that its memory can be told.
"""

import json
import resource
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from lists_authority import LIST_ID, serving

NAME = "the whole list into a Python set, by a script"


def measure(www: Path) -> dict[str, Any]:
    """Its figures for the newest whole list in `www`."""
    newest = max((www / LIST_ID / "lists").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    with serving(www) as port:
        url = f"http://127.0.0.1:{port}/{LIST_ID}/lists/{newest.name}"
        command = [sys.executable, __file__, url]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Load the list at a URL twice, as a process that has one in force; tell of the second time."""
    held: set[bytes] = set()
    began = cpu_s = 0.0
    for _ in range(2):
        began, cpu_s = time.monotonic(), time.process_time()
        with urllib.request.urlopen(sys.argv[1]) as answer:
            held = set(answer.read().splitlines())
    took_s = time.monotonic() - began
    figures = {
        "in_force_s": took_s,
        "refresh_s": took_s,
        "cpu_s": time.process_time() - cpu_s,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    if not held:
        raise SystemExit("the list is empty")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
