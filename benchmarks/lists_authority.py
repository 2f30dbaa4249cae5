"""An authority as it runs in production: a folder that one person edits and signs, and a plain web server.

`lists_authority.py FOLDER` serves a folder on a free port of 127.0.0.1, and prints that port. While there is
a file `withheld` in it, changes are not found, as on a mirror that keeps only whole lists.
"""

import http.server
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from cop_filter.authority.desk import Desk
from cop_filter.signing import SigningKey

LIST_ID = "national"
_LIFE_S = 7 * 86_400.0
_WITHHELD = "withheld"


class Authority:
    """The desk, and the folder that it publishes into."""

    def __init__(self, folder: Path) -> None:
        self.www = folder / "www"
        self.www.mkdir(parents=True)
        self._key = SigningKey.generate()
        self._desk = Desk(folder / "desk")
        self._desk.begin(LIST_ID, [self._key.public], 1, [self._key])

    @property
    def public_key(self) -> str:
        """As a receiver's configuration names it."""
        return str(self._key.public)

    def publish(self, come: Sequence[str], go: Sequence[str] = (), *, whole_only: bool = False) -> float:
        """Edit, sign and publish; the monotonic time from which on the version can be fetched."""
        if go:
            self._desk.remove("\n".join(go).encode(), "entries")
        self._desk.add("\n".join(come).encode(), "entries")
        self._desk.sign([self._key], time.time(), life_s=_LIFE_S)
        if whole_only:
            (self.www / _WITHHELD).touch()
        else:
            (self.www / _WITHHELD).unlink(missing_ok=True)
        self._desk.publish(self.www)
        return time.monotonic()


@contextmanager
def serving(www: Path) -> Iterator[int]:
    """The web server as a process of its own; gives its port."""
    command = [sys.executable, __file__, str(www)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if "/deltas/" in self.path and (Path(self.directory) / _WITHHELD).exists():
            self.send_error(404)
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Nobody reads it."""


def main() -> None:
    """Serve the folder named on the command line until terminated."""
    handler = partial(_Handler, directory=sys.argv[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
