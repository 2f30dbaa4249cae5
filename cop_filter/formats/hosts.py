"""Hosts files (hosts(5)): an address, then names; each name is an exact host.

The address is not read: lists use 0.0.0.0, loopback, or the address of a stop page. The lines that
every hosts file has for the machine itself are no entries.
"""

import re
from collections.abc import Iterator

from cop_filter.errors import InvalidEntry
from cop_filter.formats.chunk import Chunk, Field, chunk_of
from cop_filter.formats.text import line_chunks

_OWN_NAMES = frozenset(
    (
        "0.0.0.0",
        "broadcasthost",
        "ip6-allhosts",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-localhost",
        "ip6-localnet",
        "ip6-loopback",
        "ip6-mcastprefix",
        "local",
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost4.localdomain4",
        "localhost6",
        "localhost6.localdomain6",
    )
)
# Only as strict as telling an address from a name takes: a name has no colon, and a last label that
# is no number.
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%\w+)?")


def parse(body: bytes) -> Iterator[Chunk]:
    """Read the list as a stream of chunks. Raises BadFormat."""
    for first, lines in line_chunks(body):
        numbers: list[int] = []
        fields: list[Field] = []
        for number, line in enumerate(lines, first):
            for field in _fields(line):
                numbers.append(number)
                fields.append(field)
        yield chunk_of(numbers, fields)


def _fields(line: str) -> list[Field]:
    words = line.partition("#")[0].split()
    if not words:
        return []
    if not _ADDRESS.fullmatch(words[0]):
        return [InvalidEntry("it does not begin with an address")]
    if len(words) == 1:
        return [InvalidEntry("it has an address and no name")]
    return ["=" + name for name in words[1:] if name.lower() not in _OWN_NAMES]
