"""Response policy zones (draft-vixie-dnsop-dns-rpz): QNAME triggers -> entries.

A trigger `x` is the host x alone, `*.x` its subdomains. NXDOMAIN, NODATA, DROP and local data all
mean: listed (how to answer is the operator's choice). PASSTHRU and TCP-ONLY list nothing, and the
address and name-server triggers would cover more than what they name: both are errors.
"""

from collections.abc import Iterator
from itertools import islice

from cop_filter.errors import BadFormat, InvalidEntry
from cop_filter.formats.chunk import Chunk, Field, chunk_of
from cop_filter.formats.text import lines
from cop_filter.formats.zone import UNNAMED, Problem, Record, absolute, records

_CHUNK_RECORDS = 8192

ZONE_TYPES = frozenset(
    ("SOA", "NS", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "DS", "CDS", "CDNSKEY", "ZONEMD")
)
"""Parts of the zone itself, signed or not: they list nothing, and are no mistakes."""
_OTHER_TRIGGERS = frozenset(("rpz-ip", "rpz-client-ip", "rpz-nsip", "rpz-nsdname"))
_LISTED_POLICIES = frozenset((".", "*.", "rpz-drop."))


def parse(body: bytes) -> Iterator[Chunk]:
    """Read the zone as a stream of chunks. Raises BadFormat, also where no SOA record comes first."""
    found = _fields(records(lines(body)))
    while batch := list(islice(found, _CHUNK_RECORDS)):
        yield chunk_of([number for number, _ in batch], [field for _, field in batch])


def idle_lines(body: bytes) -> set[int]:
    """The numbers (from 1) of the lines whose policy or trigger lists nothing; names are not looked at."""
    return {number for number, field in _fields(records(lines(body))) if not isinstance(field, str)}


def _fields(found: Iterator[Record | Problem]) -> Iterator[tuple[int, Field]]:
    apex = ""
    for record in found:
        if isinstance(record, Problem):
            yield record.line, InvalidEntry(record.reason)
        elif not apex:
            if record.type != "SOA":
                raise BadFormat("an RPZ zone begins with its SOA record")
            apex = record.owner
        elif record.type not in ZONE_TYPES and record.owner not in (apex, UNNAMED):
            yield record.line, _field(record, apex)


def _field(record: Record, apex: str) -> Field:
    trigger = _inside(record.owner, apex)
    if trigger is None:
        return InvalidEntry("its owner is outside the zone")
    if trigger.rpartition(".")[2] in _OTHER_TRIGGERS:
        return InvalidEntry("its trigger is an address or a name server, not a query name")
    if "\\" in trigger:
        return InvalidEntry("its owner has escapes, which no host name needs")
    if record.type == "CNAME" and not _lists(absolute(record.data[0], record.origin), trigger, apex):
        return InvalidEntry("its policy lists nothing: exemptions are the operator's")
    return trigger if trigger.startswith("*.") else "=" + trigger


def _inside(name: str, apex: str) -> str | None:
    """The part of a name below the apex. A file that names no origin means the apex by it."""
    for zone in (UNNAMED, apex):
        suffix = "." + zone if zone != "." else "."
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return None


def _lists(target: str, trigger: str, apex: str) -> bool:
    if target in _LISTED_POLICIES:
        return True
    # Written without its last dot, a policy must not become an ordinary target.
    policy = _inside(target, apex) or target
    # A CNAME to the trigger itself is the old spelling of PASSTHRU.
    return not policy.startswith("rpz-") and target != trigger + "."
