"""What a DNS NOTIFY (RFC 1996) deserves: which lists it wakes, and the answer. Blocks for a file at most.

A list with a TSIG key is woken by whoever has the key; one without by its server's address alone. An answer
is never longer than what it answers, so that nobody is flooded in another's name.
"""

import contextlib
import struct
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig

from cop_filter.config import ListConfig
from cop_filter.errors import FetchFailed
from cop_filter.events import PushResult
from cop_filter.sources.axfr import ZonePlace
from cop_filter.sources.tsig import key_of
from cop_filter.sources.zone_wire import SOA, Malformed, Message

_RESPONSE, _AUTHORITATIVE, _OPCODE = 0x8000, 0x0400, 0x7800
_NOTIFY = 4 << 11
_HEADER_BYTES = 12
_FIXED = struct.Struct("!HHIH")


class Heard(NamedTuple):
    """What became of a message: the lists to wake, the answer if it gets one, and the word to count."""

    lists: tuple[str, ...]
    answer: bytes | None
    result: PushResult


class NotifyDesk:
    """Answers for the zones of `lists`, those that come by transfer.

    `addresses` gives the addresses of a list's server, by list id, as they are known now.
    """

    def __init__(self, lists: tuple[ListConfig, ...], addresses: Mapping[str, frozenset[str]]) -> None:
        self._zones: dict[str, list[ListConfig]] = {}
        for one in lists:
            # A source that names no zone is refused when it is fetched.
            with contextlib.suppress(FetchFailed):
                self._zones.setdefault(ZonePlace.of(one.source).zone, []).append(one)
        self._addresses = addresses

    def hear(self, wire: bytes, sender: str) -> Heard:
        """Decide upon one message from the address `sender`."""
        if len(wire) < _HEADER_BYTES or wire[2] & 0x80:
            # An answer to an answer would go on for ever.
            return Heard((), None, "malformed")
        try:
            message = Message(wire)
            signed = message.tsig_at() is not None
        except Malformed:
            return Heard((), _bare(wire, dns.rcode.FORMERR), "malformed")
        if message.header.flags & _OPCODE != _NOTIFY:
            return Heard((), _bare(wire, dns.rcode.NOTIMP), "malformed")
        if message.header.question is None or message.header.question[1] != SOA:
            return Heard((), _bare(wire, dns.rcode.FORMERR), "malformed")
        lists = self._zones.get(message.header.question[0])
        if lists is None:
            return Heard((), _bare(wire, dns.rcode.NOTAUTH), "unknown")
        return self._signed(wire, lists) if signed else self._unsigned(wire, lists, sender)

    def _unsigned(self, wire: bytes, lists: list[ListConfig], sender: str) -> Heard:
        host = _address(sender)
        woken = tuple(
            one.id for one in lists if one.tsig_name is None and host in self._addresses.get(one.id, ())
        )
        if not woken:
            return Heard((), _bare(wire, dns.rcode.REFUSED), "denied")
        return Heard(woken, _bare(wire, dns.rcode.NOERROR), "woken")

    def _signed(self, wire: bytes, lists: list[ListConfig]) -> Heard:
        error = dns.rcode.BADKEY
        woken: list[str] = []
        answer = None
        for one in lists:
            try:
                key = key_of(one)
                if key is None:
                    continue
                message = dns.message.from_wire(wire, keyring={key.name: key})
            except (FetchFailed, dns.message.UnknownTSIGKey, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
                continue
            except dns.tsig.BadTime:
                error = dns.rcode.BADTIME
            except dns.tsig.BadSignature:
                error = dns.rcode.BADSIG
            except dns.exception.DNSException:
                return Heard((), _bare(wire, dns.rcode.FORMERR), "malformed")
            else:
                woken.append(one.id)
                answer = answer or _signed_answer(message)
        if woken:
            return Heard(tuple(woken), answer, "woken")
        return Heard((), _tsig_error(wire, error), "denied")


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """An answer without the sections that it need not have; the question is repeated where there is one."""
    id_, flags = struct.unpack_from("!HH", wire)
    flags = flags & _OPCODE | _RESPONSE | rcode | (_AUTHORITATIVE if rcode == dns.rcode.NOERROR else 0)
    try:
        question = wire[_HEADER_BYTES : Message(wire).question_end]
    except Malformed:
        question = b""
    return struct.pack("!HHHHHH", id_, flags, 1 if question else 0, 0, 0, 0) + question


def _signed_answer(message: dns.message.Message) -> bytes:
    answer = dns.message.make_response(message)
    answer.flags |= dns.flags.AA
    return answer.to_wire()


def _tsig_error(wire: bytes, error: dns.rcode.Rcode) -> bytes:
    """NOTAUTH with a TSIG record that says why and is not signed itself (RFC 8945 §5.2)."""
    refusal = _bare(wire, dns.rcode.NOTAUTH)
    try:
        at = Message(wire).tsig_at() or 0
        owner, used = dns.name.from_wire(wire, at)
        start = at + used + _FIXED.size
        *_, length = _FIXED.unpack_from(wire, at + used)
        theirs = dns.rdata.from_wire(dns.rdataclass.ANY, dns.rdatatype.TSIG, wire, start, length)
        data = theirs.replace(mac=b"", error=error, other=b"").to_wire() or b""
    except (dns.exception.DNSException, Malformed, struct.error):
        return refusal
    name = owner.to_wire() or b""
    fixed = _FIXED.pack(dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, len(data))
    told = refusal[:10] + b"\0\1" + refusal[12:] + name + fixed + data
    return told if len(told) <= len(wire) else refusal


def _address(sender: str) -> str:
    address = ip_address(sender.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
