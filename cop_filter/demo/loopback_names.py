"""The demo's stand-in for the internet's names: in the processes that it starts, and only there.

Synthetic names (RFC 6761) have no address, and the proxy looks up where an origin is by itself. So
the demo's processes find the names of its world on loopback, ports included, as if a hosts file said
so. Nothing in the filter knows about it: Python imports `sitecustomize` from the folder that
`environment` puts on its path.
"""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "COP_FILTER_DEMO_PORTS"
_SYNTHETIC = (".example", ".test", ".invalid")
_HOOK = "from cop_filter.demo.loopback_names import install\n\ninstall()\n"


def environment(folder: Path, ports: Mapping[int, int], inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of processes that live in the demo's world; the hook is written into `folder`.

    `ports` maps the ports that clients ask for (80, 443) to those where the origin really listens.
    """
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
    path = [str(folder), *filter(None, [inherited.get("PYTHONPATH")])]
    mapping = " ".join(f"{asked}={real}" for asked, real in ports.items())
    return {**inherited, "PYTHONPATH": os.pathsep.join(path), VARIABLE: mapping}


def install() -> None:
    """Resolve synthetic names to loopback from now on, in this process."""
    pairs = (pair.split("=") for pair in os.environ.get(VARIABLE, "").split())
    ports = {int(asked): int(real) for asked, real in pairs}
    look_up = socket.getaddrinfo

    def look_up_here(host: Any, port: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  stdlib's own form
        if is_synthetic(host):
            host, port = "127.0.0.1", ports.get(port, port)
        return look_up(host, port, *args, **options)

    socket.getaddrinfo = look_up_here


def is_synthetic(host: object) -> bool:
    """Whether a host is a name that only exists in examples."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return isinstance(name, str) and name.lower().rstrip(".").endswith(_SYNTHETIC)
