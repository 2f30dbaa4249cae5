"""Any plain web server: it serves a folder, and remembers what it was asked for."""

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: object, asked: list[str], **named: object) -> None:
        self._asked = asked
        super().__init__(*arguments, **named)  # type: ignore[arg-type]  # passed through

    def do_GET(self) -> None:  # the name is theirs
        self._asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class StaticSite:
    """`asked` holds the paths of all requests, in order."""

    def __init__(self, port: int, asked: list[str]) -> None:
        self.port = port
        self.asked = asked


@contextlib.contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[StaticSite]:
    """The folder at http://127.0.0.1:PORT/ until the block ends."""
    asked: list[str] = []
    handler = partial(_Handler, asked=asked, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield StaticSite(server.server_port, asked)
        finally:
            server.shutdown()
            thread.join()
