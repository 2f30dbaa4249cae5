"""An upstream's response, read strictly.

Only what decides is read: owners, alias targets, lifetimes, the SOA, OPT. The additional section
is dropped: nobody needs it, and it would be a back door for a listed host's address.
"""

import struct
from collections.abc import Iterator

from dns_resolver import edns, qname, wire
from dns_resolver.message import Answer, Asked
from dns_resolver.records import MalformedError, Record, Records
from dns_resolver.wire import HEADER_BYTES, Rcode

MAX_TTL_S = 86_400
"""Keeps somebody's mistake short."""
MAX_NEGATIVE_TTL_S = 10_800
"""RFC 2308 §5: values of one to three hours work well."""
SERVFAIL_TTL_S = 1
"""RFC 9520 §3.2: a resolution failure is remembered for at least one second."""
MAX_HOSTS = 100
"""All of them are decided whenever the answer is sent; no honest chain is nearly as long."""

_HEADER = struct.Struct("!HHHHHH")
_ALIAS_TYPES = frozenset({wire.TYPE_CNAME, wire.TYPE_DNAME})
_SERVICE_TYPES = frozenset({wire.TYPE_SVCB, wire.TYPE_HTTPS})


class MismatchError(ValueError):
    """The packet is no response to the question that was asked: somebody else's, or forged."""


def read_answer(packet: bytes, asked: Asked, id_: int) -> Answer:
    """Read the response to `asked` sent under `id_`. Raises MismatchError or MalformedError."""
    question = asked.question
    body_at = HEADER_BYTES + len(question)
    if len(packet) < body_at:
        raise MismatchError("shorter than the question")
    got_id, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(packet)
    if got_id != id_ or not flags & wire.QR or flags & wire.OPCODE_MASK or questions != 1:
        raise MismatchError("not a response to this query")
    if packet[HEADER_BYTES : body_at - 4].lower() + packet[body_at - 4 : body_at] != question:
        raise MismatchError("another question")
    if flags & wire.TC:
        return Answer(flags & 0xF, truncated=True)
    records = Records(packet)
    walk = records.walk(body_at, answers + authorities + additionals)
    answered = [next(walk) for _ in range(answers)]
    authority = [next(walk) for _ in range(authorities)]
    opt = _find_opt(records, walk)
    kept = answered + authority
    ttls = tuple((record.ttl_at - body_at, _bounded(record.ttl)) for record in kept)
    body = bytearray(packet[body_at : kept[-1].end if kept else body_at])
    for offset, ttl in ttls:
        struct.pack_into("!I", body, offset, ttl)
    rcode = flags & 0xF
    if opt is not None and opt.extended_rcode:
        rcode = Rcode.SERVFAIL  # what went wrong between us and the upstream is not the client's
    return Answer(
        rcode,
        len(answered),
        len(authority),
        bytes(body),
        ttls,
        _lifetime_s(rcode, asked, records, answered, authority),
        _hosts(records, answered, asked.name),
        opt.ede if opt else (),
    )


def _find_opt(records: Records, additional: Iterator[Record]) -> edns.Edns | None:
    found = None
    for record in additional:
        if record.rtype == edns.TYPE_OPT:
            try:
                found = edns.read(record.rclass, record.ttl, records.rdata(record))
            except ValueError as error:
                raise MalformedError("the OPT record cannot be read") from error
    return found


def _hosts(records: Records, answered: list[Record], asked: bytes) -> tuple[str, ...]:
    """Every name an answer leads to: a listed one among them blocks the asked name."""
    found: dict[bytes, None] = {}
    for record in answered:
        found[record.owner] = None
        if record.rtype in _ALIAS_TYPES:
            found[records.name(record.rdata_at)[0]] = None
        elif record.rtype in _SERVICE_TYPES:
            # SvcPriority, then TargetName; "." means the owner itself (RFC 9460 §2.5).
            found[records.name(record.rdata_at + 2)[0]] = None
    found.pop(asked, None)
    found.pop(b"\0", None)
    if len(found) > MAX_HOSTS:
        raise MalformedError("the answer leads to too many names")
    return tuple(qname.text(qname.labels(name)) for name in found)


def _bounded(ttl: int) -> int:
    """RFC 2181 §8: a lifetime with the top bit set is zero."""
    return 0 if ttl & 0x8000_0000 else min(ttl, MAX_TTL_S)


def _lifetime_s(
    rcode: int, asked: Asked, records: Records, answered: list[Record], authority: list[Record]
) -> int:
    """How long the answer may be kept."""
    if rcode == Rcode.SERVFAIL:
        return SERVFAIL_TTL_S
    if rcode not in {Rcode.NOERROR, Rcode.NXDOMAIN}:
        return 0
    shortest = min((_bounded(record.ttl) for record in answered + authority), default=0)
    if rcode == Rcode.NOERROR and any(asked.qtype in {record.rtype, wire.TYPE_ANY} for record in answered):
        return shortest
    for record in authority:
        if record.rtype == wire.TYPE_SOA and record.rdlength >= 4:
            minimum = int.from_bytes(records.rdata(record)[-4:])
            return min(shortest, _bounded(minimum), MAX_NEGATIVE_TTL_S)
    return 0  # RFC 2308 §5: a negative answer without SOA is not kept
