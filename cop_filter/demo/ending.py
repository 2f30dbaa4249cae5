"""The end: one signal, and nothing is left of it."""

import contextlib
import socket
import time

from cop_filter.demo.replies import PAGE_ADDRESS
from cop_filter.demo.rows import Row, compared
from cop_filter.demo.stage import Stage

_WITHIN_S = 15


async def end(stage: Stage) -> list[Row]:
    """Stop `serve`, and look whether its roles are gone."""
    started = time.monotonic()
    code = await stage.service.stop()
    took_s = time.monotonic() - started
    got = "had to be killed" if code is None else f"exit code {code} after {took_s:.1f} s"
    fine = code == 0 and took_s < _WITHIN_S
    ports = stage.ports
    sockets = {
        "dns": ("127.0.0.1", ports.dns),
        "proxy": ("127.0.0.1", ports.proxy),
        "page": (PAGE_ADDRESS, ports.splash),
        "metrics": ("127.0.0.1", ports.metrics),
    }
    open_still = [name for name, address in sockets.items() if _answers(address)]
    return [
        Row(
            "all processes end",
            "kill -TERM",
            f"exit code 0 within {_WITHIN_S} s",
            got,
            fine,
        ),
        compared(
            "what still answers", "the port of each role", "nothing", ", ".join(open_still) or "nothing"
        ),
    ]


def _answers(address: tuple[str, int]) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False
