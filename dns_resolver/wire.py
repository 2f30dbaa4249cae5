"""Queries off the wire and answers onto it (RFC 1035 §4, RFC 6891, RFC 9619): strict, pure, no I/O."""

import struct
from enum import IntEnum
from typing import NamedTuple

from dns_resolver import edns, qname
from dns_resolver.edns import Edns

HEADER_BYTES = 12
MAX_MESSAGE_BYTES = 65_535
MAX_NAME_BYTES = 255
MAX_LABEL_BYTES = 63

QR, TC, RD, RA, CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0010
OPCODE_MASK = 0x7800

CLASS_IN = 1
TYPE_A, TYPE_NS, TYPE_CNAME, TYPE_SOA, TYPE_AAAA, TYPE_DNAME = 1, 2, 5, 6, 28, 39
TYPE_SVCB, TYPE_HTTPS, TYPE_ANY = 64, 65, 255
TRANSFER_AND_META_TYPES = frozenset({0, edns.TYPE_OPT, *range(128, 255)})
"""Types that are no data one could ask a forwarder for (RFC 6895 §3.1): AXFR, IXFR, TSIG, OPT, …"""

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")


class Rcode(IntEnum):
    """Response codes (RFC 1035 §4.1.1, RFC 6891 §9); those above 15 need an OPT record."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


class Request(NamedTuple):
    """One well-formed question."""

    id: int
    flags: int
    question: bytes
    """QNAME, QTYPE and QCLASS as they came: the client's upper and lower case is echoed."""
    name: bytes
    """QNAME in wire form, lower case."""
    host: str
    """QNAME as the engine reads it, see `qname.text`."""
    qtype: int
    qclass: int
    edns: Edns | None


class Rejected(NamedTuple):
    """A query that deserves an error and nothing else."""

    rcode: Rcode
    id: int
    flags: int
    question: bytes
    edns: Edns | None


class Reply(NamedTuple):
    """What is said about a question, independent of who asked and how."""

    rcode: int
    answers: int = 0
    authorities: int = 0
    body: bytes = b""
    """Answer and authority records; compression pointers count from the start of the message."""
    ede: tuple[int, ...] = ()


class _BadQueryError(Exception):
    def __init__(self, rcode: Rcode, edns_: Edns | None = None) -> None:
        self.rcode = rcode
        self.edns = edns_
        super().__init__(rcode.name)


def read_query(packet: bytes) -> Request | Rejected | None:
    """Read one query. None: no answer is due (too short, or itself a response: answering would loop)."""
    if len(packet) < HEADER_BYTES:
        return None
    id_, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(packet)
    if flags & QR:
        return None
    if flags & OPCODE_MASK:
        # Other opcodes give the sections another meaning, so nothing beyond the header is read.
        return Rejected(Rcode.NOTIMP, id_, flags, b"", None)
    if questions != 1 or answers or authorities:
        return Rejected(Rcode.FORMERR, id_, flags, b"", None)
    question = b""
    try:
        labels, end = _read_question(packet)
        question = packet[HEADER_BYTES:end]
        opt = _read_additional(packet, end, additionals)
    except _BadQueryError as bad:
        return Rejected(bad.rcode, id_, flags, question, bad.edns)
    qtype, qclass = struct.unpack_from("!HH", packet, end - 4)
    name = question[:-4].lower()  # a length byte is at most 63 and so never an upper-case letter
    return Request(id_, flags, question, name, qname.text(labels), qtype, qclass, opt)


def _read_question(packet: bytes) -> tuple[list[bytes], int]:
    """Labels of the question name and the offset behind the question. A pointer here is an attack."""
    at = HEADER_BYTES
    labels = []
    try:
        while length := packet[at]:
            if length > MAX_LABEL_BYTES:
                raise _BadQueryError(Rcode.FORMERR)
            labels.append(packet[at + 1 : at + 1 + length])
            at += 1 + length
    except IndexError:
        raise _BadQueryError(Rcode.FORMERR) from None
    end = at + 5
    if end > len(packet) or at + 1 - HEADER_BYTES > MAX_NAME_BYTES:
        raise _BadQueryError(Rcode.FORMERR)
    return labels, end


def _read_additional(packet: bytes, at: int, count: int) -> Edns | None:
    """The OPT record, if any; other additional records (TSIG) are only stepped over."""
    opt: Edns | None = None
    for _ in range(count):
        owner_at, at = at, _skip_name(packet, at, opt)
        rdata_at = at + _RECORD.size
        if rdata_at > len(packet):
            raise _BadQueryError(Rcode.FORMERR, opt)
        rtype, rclass, ttl, rdlength = _RECORD.unpack_from(packet, at)
        owner_is_root = at == owner_at + 1
        at = rdata_at + rdlength
        if at > len(packet):
            raise _BadQueryError(Rcode.FORMERR, opt)
        if rtype == edns.TYPE_OPT:
            if opt is not None or not owner_is_root:
                raise _BadQueryError(Rcode.FORMERR, opt)
            try:
                opt = edns.read(rclass, ttl, packet[rdata_at:at])
            except ValueError:
                raise _BadQueryError(Rcode.FORMERR) from None
    if at != len(packet):
        raise _BadQueryError(Rcode.FORMERR, opt)
    if opt is not None and opt.version != 0:
        raise _BadQueryError(Rcode.BADVERS, opt)
    return opt


def _skip_name(packet: bytes, at: int, opt: Edns | None) -> int:
    """Offset behind an uncompressed name."""
    while at < len(packet) and 0 < packet[at] <= MAX_LABEL_BYTES:
        at += 1 + packet[at]
    if at >= len(packet) or packet[at]:
        raise _BadQueryError(Rcode.FORMERR, opt)
    return at + 1


def write_reply(request: Request | Rejected, reply: Reply, *, limit_bytes: int, payload_bytes: int) -> bytes:
    """The whole response message, at most `limit_bytes`; records that do not fit leave TC set.

    `payload_bytes` is what this server says it can receive. An OPT record goes into every response
    to a query that had one, and into no other (RFC 6891 §7).
    """
    flags = QR | RA | request.flags & (OPCODE_MASK | RD | CD) | reply.rcode & 0xF
    opt = b""
    if request.edns is not None:
        opt = edns.record(payload_bytes, do=request.edns.do, extended_rcode=reply.rcode >> 4, ede=reply.ede)
    size = HEADER_BYTES + len(request.question) + len(reply.body) + len(opt)
    answers, authorities, body = reply.answers, reply.authorities, reply.body
    if size > limit_bytes:
        flags |= TC
        answers = authorities = 0
        body = b""
    header = _HEADER.pack(
        request.id, flags, 1 if request.question else 0, answers, authorities, 1 if opt else 0
    )
    return header + request.question + body + opt
