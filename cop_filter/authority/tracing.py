"""Tells from a leaked list which receiver's copy it is."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cop_filter import formats
from cop_filter.authority.watermarks import MARKS, label
from cop_filter.errors import BadFormat
from cop_filter.verdict import Kind

_WORD = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class Trace(NamedTuple):
    """How many of a receiver's marks were found; one is proof enough, more tell how whole the copy is."""

    receiver: str
    found: int
    of: int


def trace(leaked: bytes, secret: bytes, receivers: Sequence[str], domains: Sequence[str]) -> list[Trace]:
    """The receivers whose marks are in what leaked, the surest first; `domains` are all ever used."""
    names = {
        f"{label(secret, receiver, number)}.{domain}": (receiver, number)
        for receiver in receivers
        for number in range(MARKS)
        for domain in domains
    }
    found = {mark for host in _hosts(leaked) if (mark := _mark_of(host, names)) is not None}
    counts: dict[str, int] = {}
    for receiver, _ in found:
        counts[receiver] = counts.get(receiver, 0) + 1
    traces = [Trace(receiver, count, MARKS) for receiver, count in counts.items()]
    return sorted(traces, key=lambda one: (-one.found, one.receiver))


def _mark_of(host: str, names: dict[str, tuple[str, int]]) -> tuple[str, int] | None:
    """Whoever formatted the leak may have put a name before the mark's, such as `www`."""
    while host:
        if host in names:
            return names[host]
        host = host.partition(".")[2]
    return None


def _hosts(leaked: bytes) -> Iterator[str]:
    """Every name in it: as its format says, and whatever looks like one, for what has no format."""
    try:
        for chunk in formats.parse({"": leaked}, format="auto"):
            for entry in chunk.entries:
                if entry.kind is not Kind.KEYWORD:
                    yield entry.key.partition("/")[0]
    except BadFormat:
        pass
    yield from (found[0] for found in _WORD.finditer(_text(leaked)))


def _text(leaked: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if leaked.startswith(mark):
            return leaked.decode(encoding, "replace").lower()
    return leaked.decode("utf-8", "replace").lower()
