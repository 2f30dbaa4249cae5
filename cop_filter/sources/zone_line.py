"""One TCP connection to a zone's server (RFC 7766): a question, and the messages of its answer.

What comes is bounded in bytes and in time, belongs to the question, and, with a key, is proven message by
message. Big messages are read in a thread, so that a zone of a million names holds nobody else up.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig

from cop_filter.errors import FetchFailed
from cop_filter.sources.result import TryAgain
from cop_filter.sources.tsig import Proof
from cop_filter.sources.visit import Visit
from cop_filter.sources.zone_wire import Message, WireRecord

Take = Callable[[Sequence[WireRecord]], bool]
"""Is given the records of the next message; False: more have to come."""

_STALL_SHARE = 0.5
"""A server that is silent for this share of the time limit is given up early, while others can be tried."""
_BUFFER_BYTES = 256 * 1024
_SMALL_BYTES = 4096
_RESPONSE, _TRUNCATED, _OPCODE = 0x8000, 0x0200, 0x7800
_HINTS = {
    dns.rcode.REFUSED: "; does it let this machine transfer the zone, and with which key?",
    dns.rcode.NOTAUTH: "; does it serve the zone, and know the key?",
}


class Line:
    """An open connection. `key` signs every question, and then every answer has to be signed."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        visit: Visit,
        key: dns.tsig.Key | None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._visit = visit
        self._key = key
        self._received = 0

    async def ask(self, zone: str, type_: int, take: Take, *, serial: int | None = None) -> None:
        """Ask for records of the zone's apex, and hand over each message's until `take` has enough.

        `serial` is that of the version held, for IXFR. Raises TryAgain, FetchFailed, ProvenanceFailed,
        OSError, EOFError, and what `take` raises.
        """
        question = dns.message.make_query(zone, dns.rdatatype.RdataType(type_), flags=0)
        if serial is not None:
            soa = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.SOA, f". . {serial} 0 0 0 0")
            question.authority.append(dns.rrset.from_rdata(zone, 0, soa))
        if self._key is not None:
            question.use_tsig(self._key)
        asked = question.to_wire()
        proof = None if self._key is None else Proof(self._key, question.mac or b"", self._visit.clock)
        self._writer.write(struct.pack("!H", len(asked)) + asked)
        await self._writer.drain()
        answer = _Answer(question.id, (zone, type_), proof, take)
        while True:
            wire = await self._message()
            big = len(wire) > _SMALL_BYTES
            if await asyncio.to_thread(answer.read, wire) if big else answer.read(wire):
                return

    async def _message(self) -> bytes:
        try:
            async with asyncio.timeout(self._visit.wanted.timeout_s * _STALL_SHARE):
                (length,) = struct.unpack("!H", await self._reader.readexactly(2))
                self._received += 2 + length
                if self._received > self._visit.wanted.max_bytes:
                    raise FetchFailed(
                        f"the transfer is larger than max_bytes ({self._visit.wanted.max_bytes})"
                    )
                wire = await self._reader.readexactly(length)
        except TimeoutError:
            raise TryAgain("the server fell silent") from None
        if self._visit.progress is not None:
            self._visit.progress(self._received, None)
        return wire


class _Answer:
    """The messages of one answer. Its methods block; they may run in a thread, one after the other."""

    def __init__(self, id_: int, asked: tuple[str, int], proof: Proof | None, take: Take) -> None:
        self._id = id_
        self._asked = asked
        self._proof = proof
        self._take = take

    def read(self, wire: bytes) -> bool:
        """The next message; True when it was the last."""
        message = Message(wire)
        header = message.header
        kind = header.flags & (_RESPONSE | _OPCODE | _TRUNCATED)
        if header.id != self._id or kind != _RESPONSE or header.question not in (None, self._asked):
            raise FetchFailed("the answer is to another question")
        tsig_at = message.tsig_at() if self._proof is not None else None
        # A server that does not know our key cannot sign that it refuses.
        if self._proof is not None and not (header.rcode and tsig_at is None):
            self._proof.check(wire, tsig_at)
        if header.rcode:
            raise _refused(header.rcode)
        last = self._take(list(message.records()))
        if last and self._proof is not None:
            self._proof.end()
        return last


@contextlib.asynccontextmanager
async def connect(host: str, port: int, visit: Visit, key: dns.tsig.Key | None) -> AsyncIterator[Line]:
    """A connection to the server, whose name is looked up in a thread. Raises TryAgain, OSError."""
    try:
        async with asyncio.timeout(visit.wanted.timeout_s * _STALL_SHARE):
            reader, writer = await asyncio.open_connection(host, port, limit=_BUFFER_BYTES)
    except TimeoutError:
        raise TryAgain("the server cannot be reached within half of timeout") from None
    try:
        yield Line(reader, writer, visit, key)
    finally:
        # Whatever is still on its way is not wanted any more.
        writer.transport.abort()


def _refused(rcode: int) -> FetchFailed:
    said = f"the server answers {dns.rcode.to_text(dns.rcode.Rcode(rcode))}"
    if rcode == dns.rcode.SERVFAIL:
        return TryAgain(said)
    return FetchFailed(said + _HINTS.get(dns.rcode.Rcode(rcode), ""))
