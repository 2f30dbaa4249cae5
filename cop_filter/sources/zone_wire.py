"""The messages of a zone transfer (RFC 1035 §4, RFC 5936 §2.2), read quickly and without trust. Pure.

A zone of a million records is read here record by record, as the words of a master file, and never held as
objects: dnspython, which reads one message well, would take minutes and gigabytes.
"""

from collections.abc import Iterator, Sequence
from struct import Struct, error
from typing import NamedTuple

from cop_filter.errors import FetchFailed

SOA, CNAME, TSIG = 6, 5, 250
_IN = 1

TYPES = {
    1: "A", 2: "NS", CNAME: "CNAME", SOA: "SOA", 16: "TXT", 28: "AAAA", 43: "DS", 46: "RRSIG", 47: "NSEC",
    48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 59: "CDS", 60: "CDNSKEY", 63: "ZONEMD",
}  # fmt: skip
"""Types that master files have a word for; any other is written as RFC 3597 §5 says."""

_HEADER = Struct("!HHHHHH")
_FIXED = Struct("!HHIH")
_QUESTION = Struct("!HH")
_NUMBERS = Struct("!IIIII")
_PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-_*"
_PLAIN_DOTTED = _PLAIN + b"."
_MAX_NAME_CHARS = 254
_MAX_ESCAPED_CHARS = 4 * _MAX_NAME_CHARS
_MAX_POINTERS = 127


class Malformed(FetchFailed):
    """It is no DNS message."""

    def __init__(self) -> None:
        super().__init__("the answer is damaged: it is no DNS message")


class Soa(NamedTuple):
    """The record that a zone begins and ends with; `text` is its data as a master file has it."""

    serial: int
    text: str


class WireRecord(NamedTuple):
    """A record of the answer: its owner absolute, in lower case, with escapes where a file needs them."""

    owner: str
    type: int
    data: str
    soa: Soa | None = None


class Header(NamedTuple):
    """What comes before the answer."""

    id: int
    flags: int
    question: tuple[str, int] | None

    @property
    def rcode(self) -> int:
        """RFC 1035 §4.1.1."""
        return self.flags & 0xF


class Message:
    """One message; its answer can be read once the header is known to be right.

    Raises Malformed, also while its records are read.
    """

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._names: dict[int, str] = {}
        try:
            id_, flags, questions, self._answers, authority, additional = _HEADER.unpack_from(wire)
            question, self._start = self._read_question(questions)
        except (error, IndexError):
            raise Malformed from None
        self._others = authority + additional
        self.header = Header(id_, flags, question)

    @property
    def question_end(self) -> int:
        """Where the first record begins."""
        return self._start

    def records(self) -> Iterator[WireRecord]:
        """The records of the answer section, in their order."""
        wire, name, fixed, size, end = (
            self._wire,
            self._name,
            _FIXED.unpack_from,
            _FIXED.size,
            len(self._wire),
        )
        try:
            place = self._start
            for _ in range(self._answers):
                owner, place = name(place)
                type_, class_, _ttl, length = fixed(wire, place)
                start = place + size
                place = start + length
                if class_ != _IN or place > end:
                    raise Malformed
                if type_ == CNAME and length == 1 and wire[start] == 0:
                    # Nearly every record of a policy zone; said here, it costs half.
                    yield WireRecord(owner, CNAME, ".")
                else:
                    yield self._record(owner, type_, start, place)
        except (error, IndexError):
            raise Malformed from None

    def tsig_at(self) -> int | None:
        """Where the TSIG record begins: the last of the message (RFC 8945 §5.1), or there is none."""
        if not self._others:
            return None
        try:
            place, last, type_ = self._start, 0, 0
            for _ in range(self._answers + self._others):
                last = place
                place = self._after_name(place)
                type_, _class, _ttl, length = _FIXED.unpack_from(self._wire, place)
                place += _FIXED.size + length
        except (error, IndexError):
            raise Malformed from None
        if place != len(self._wire):
            raise Malformed
        return last if type_ == TSIG else None

    def _read_question(self, questions: int) -> tuple[tuple[str, int] | None, int]:
        if questions == 0:
            return None, _HEADER.size
        name, place = self._name(_HEADER.size)
        type_, class_ = _QUESTION.unpack_from(self._wire, place)
        if questions > 1 or class_ != _IN:
            raise Malformed
        return (name, type_), place + _QUESTION.size

    def _record(self, owner: str, type_: int, start: int, end: int) -> WireRecord:
        if type_ == CNAME:
            data, after = self._name(start)
            if after != end:
                raise Malformed
            return WireRecord(owner, type_, data)
        if type_ == SOA:
            server, place = self._name(start)
            mailbox, place = self._name(place)
            numbers = _NUMBERS.unpack_from(self._wire, place)
            if place + _NUMBERS.size != end:
                raise Malformed
            text = " ".join((server, mailbox, *map(str, numbers)))
            return WireRecord(owner, type_, text, Soa(numbers[0], text))
        data = self._wire[start:end].hex()
        return WireRecord(owner, type_, f"\\# {end - start} {data}".rstrip())

    def _after_name(self, place: int) -> int:
        wire = self._wire
        while length := wire[place]:
            if length >= 0xC0:
                return place + 2
            place += 1 + length
        return place + 1

    def _name(self, place: int) -> tuple[str, int]:
        """The name at `place`, and where it ends. Pointers lead backwards only, and not for long."""
        wire, names = self._wire, self._names
        first, end, lowest = place, 0, place
        labels: list[bytes] = []
        rest = ""
        for _ in range(_MAX_POINTERS):
            while 0 < (length := wire[place]) < 0x40:
                labels.append(wire[place + 1 : place + 1 + length])
                place += 1 + length
            if length == 0:
                end = end or place + 1
                break
            pointed = (length & 0x3F) << 8 | wire[place + 1]
            if length < 0xC0 or pointed >= lowest:
                raise Malformed
            end = end or place + 2
            known = names.get(pointed)
            if known is not None:
                rest = known
                break
            place = lowest = pointed
        else:
            raise Malformed
        name = name_text(labels) + rest
        if len(name) > _MAX_NAME_CHARS and ("\\" not in name or len(name) > _MAX_ESCAPED_CHARS):
            raise Malformed
        names[first] = name
        return name or ".", end


def name_text(labels: Sequence[bytes]) -> str:
    """A name in lower case as a master file has it, with a dot at its end; "" for no label."""
    if not labels:
        return ""
    joined = b".".join(labels).lower()
    if joined.count(b".") >= len(labels) or joined.translate(None, _PLAIN_DOTTED):
        joined = b".".join(map(_escaped, labels))
    return joined.decode("ascii") + "."


def _escaped(label: bytes) -> bytes:
    """RFC 1035 §5.1: what has a meaning in a file, or no shape, is written as `\\DDD`."""
    return b"".join(bytes((byte,)) if byte in _PLAIN else b"\\%03d" % byte for byte in label.lower())
