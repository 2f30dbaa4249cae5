"""Queries off the wire and answers onto it (RFC 1035 §4, RFC 6891, RFC 9619): strict, pure, no I/O.

The bytes are read and written by the native module, for the fast path and for this one.
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from cop_filter import _native
from dns_resolver import edns, qname
from dns_resolver.edns import Edns

HEADER_BYTES = 12
MAX_NAME_BYTES = 255
MAX_LABEL_BYTES = 63

QR, TC, RD, RA, CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0010
OPCODE_MASK = 0x7800

CLASS_IN = 1
TYPE_A, TYPE_NS, TYPE_CNAME, TYPE_SOA, TYPE_AAAA, TYPE_DNAME = 1, 2, 5, 6, 28, 39
TYPE_SVCB, TYPE_HTTPS, TYPE_ANY = 64, 65, 255
TRANSFER_AND_META_TYPES = frozenset({0, edns.TYPE_OPT, *range(128, 255)})
"""Types that are no data one could ask a forwarder for (RFC 6895 §3.1): AXFR, IXFR, TSIG, OPT, …"""

_TYPE_AND_CLASS = struct.Struct("!HH")


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
    packet_bytes: int
    cookie: bytes | None
    """As it came: the client's 8 bytes, and perhaps the 8 to 32 of a server."""


class Rejected(NamedTuple):
    """A query that deserves an error and nothing else."""

    rcode: Rcode
    id: int
    flags: int
    question: bytes
    edns: Edns | None
    packet_bytes: int


class Reply(NamedTuple):
    """What is said about a question, independent of who asked and how."""

    rcode: int
    answers: int = 0
    authorities: int = 0
    body: bytes = b""
    """Answer and authority records; compression pointers count from the start of the message."""
    ede: tuple[int, ...] = ()
    policy: bool = False
    """Composed here and not by an upstream; then `ede` has at most three codes."""


def read_query(packet: bytes) -> Request | Rejected | None:
    """Read one query. None: no answer is due (too short, or itself a response: answering would loop)."""
    read = _native.read_query(packet)
    if read is None:
        return None
    rcode, id_, flags, question, opt, cookie = read
    edns_ = None if opt is None else Edns(*opt)
    if rcode:
        return Rejected(Rcode(rcode), id_, flags, question, edns_, len(packet))
    qtype, qclass = _TYPE_AND_CLASS.unpack_from(question, len(question) - _TYPE_AND_CLASS.size)
    name = question[: -_TYPE_AND_CLASS.size].lower()  # length bytes are below 64: no upper-case letters
    host = qname.text(qname.labels(name))
    return Request(id_, flags, question, name, host, qtype, qclass, edns_, len(packet), cookie)


def write_reply(
    request: Request | Rejected,
    reply: Reply,
    *,
    payload_bytes: int,
    stream: bool = False,
    proven: bool = False,
    cookie: bytes | None = None,
) -> bytes:
    """The whole response message.

    An OPT record goes into every response to a query that had one, and into no other (RFC 6891 §7).
    `payload_bytes` is what this server says it can receive, and the most that it sends by UDP; records
    that the client cannot take are left out and TC is set. A policy reply to a client whose address
    neither a stream nor a DNS cookie has proven is at most twice its query: it is truncated too, or
    loses its authority section if it has no answers. `cookie` (24 bytes) is the answer to the client's.
    """
    edns_ = request.edns
    opt = None if edns_ is None else (edns_.payload_bytes, edns_.do)
    query = (request.id, request.flags, request.question, opt, request.packet_bytes)
    return _native.write_reply(query, reply, (payload_bytes, stream, proven, cookie))
