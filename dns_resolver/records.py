"""Resource records and compressed names in a message (RFC 1035 §4.1.3, §4.1.4)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from dns_resolver.wire import HEADER_BYTES, MAX_LABEL_BYTES, MAX_NAME_BYTES

_MAX_POINTERS = 127
_FIXED = struct.Struct("!HHIH")


class MalformedError(ValueError):
    """The message cannot be read."""


class Record(NamedTuple):
    """Where one record lies; names are in plain lower-case wire form."""

    owner: bytes
    rtype: int
    rclass: int
    ttl: int
    ttl_at: int
    rdata_at: int
    rdlength: int

    @property
    def end(self) -> int:
        """Offset behind the record."""
        return self.rdata_at + self.rdlength


class Records:
    """Walks the records of one message. Raises MalformedError."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._names: dict[int, bytes] = {}
        # By offset: many pointers to one long chain then cost no more than one.

    def walk(self, at: int, count: int) -> Iterator[Record]:
        """`count` records from offset `at`; they must end where the message ends."""
        for _ in range(count):
            owner, at = self.name(at)
            try:
                rtype, rclass, ttl, rdlength = _FIXED.unpack_from(self._packet, at)
            except struct.error:
                raise MalformedError("cut off inside a record") from None
            record = Record(owner, rtype, rclass, ttl, at + 4, at + _FIXED.size, rdlength)
            at = record.end
            if at > len(self._packet):
                raise MalformedError("a record is longer than the message")
            yield record
        if at != len(self._packet):
            raise MalformedError("bytes behind the last record")

    def rdata(self, record: Record) -> bytes:
        """The record's data as it is on the wire."""
        return self._packet[record.rdata_at : record.end]

    def name(self, at: int) -> tuple[bytes, int]:
        """The possibly compressed name at `at`, and the offset behind it."""
        try:
            return self._name(at)
        except IndexError:
            raise MalformedError("cut off inside a name") from None

    def _name(self, at: int) -> tuple[bytes, int]:
        packet = self._packet
        start = lowest = at
        labels: list[bytes] = []
        size = behind = 0
        rest = b"\0"
        for _ in range(_MAX_POINTERS):
            while 0 < (length := packet[at]) <= MAX_LABEL_BYTES:
                labels.append(packet[at : at + 1 + length])
                size += 1 + length
                at += 1 + length
                if size >= MAX_NAME_BYTES:
                    raise MalformedError("a name is too long")
            if length == 0:
                behind = behind or at + 1
                break
            if length < 0xC0:
                raise MalformedError("a label of an unknown type")
            target = (length & 0x3F) << 8 | packet[at + 1]
            behind = behind or at + 2
            if not HEADER_BYTES <= target < lowest:
                # Pointers must lead backwards: then every chain ends.
                raise MalformedError("a compression pointer does not lead backwards")
            known = self._names.get(target)
            if known is not None:
                rest = known
                break
            at = lowest = target
        else:
            raise MalformedError("too many compression pointers")
        name = b"".join(labels).lower() + rest
        if len(name) > MAX_NAME_BYTES:
            raise MalformedError("a name is too long")
        self._names[start] = name
        return name, behind
