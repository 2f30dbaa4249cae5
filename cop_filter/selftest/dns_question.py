"""Asks a live resolver for a name, and reads from the answer whether it was blocked."""

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from cop_filter.selftest.ways import Way
from cop_filter.verdict import Answer

TIMEOUT_S = 5.0
_BLOCKED_CODES = frozenset({15, 16, 17})
"""RFC 8914: Blocked, Censored, Filtered."""
_RCODES = {
    Answer.NXDOMAIN: dns.rcode.NXDOMAIN,
    Answer.NODATA: dns.rcode.NOERROR,
    Answer.REFUSED: dns.rcode.REFUSED,
}

Transport = Literal["udp", "tcp"]


class Said(Enum):
    """What a listener made of a question."""

    BLOCKED = "blocked"
    PASSED = "passed"
    NOTHING = "nothing"
    """No answer, or one that refuses whoever asks: no client, or told too much already (`oracle`)."""


@dataclass(frozen=True, slots=True)
class Blocking:
    """How this resolver answers for what it blocks: the page's addresses, and the ways its lists ask for."""

    page: frozenset[IPv4Address | IPv6Address]
    answers: frozenset[Answer]

    @property
    def qtype(self) -> dns.rdatatype.RdataType:
        """The type of which a blocked name has an answer, where there is one."""
        only_ipv6 = bool(self.page) and all(address.version == 6 for address in self.page)
        return dns.rdatatype.AAAA if only_ipv6 else dns.rdatatype.A

    def shows_in(self, message: dns.message.Message) -> bool:
        """Whether an answer is that of a blocked name.

        An Extended DNS Error alone does not tell: it may be an upstream's, which is passed on.
        """
        codes = {int(option.code) for option in message.extended_errors()}
        if not codes & _BLOCKED_CODES:
            return False
        addresses = _addresses(message)
        if addresses:
            return Answer.SPLASH in self.answers and addresses <= self.page
        has_page = any((address.version == 6) == (self.qtype == dns.rdatatype.AAAA) for address in self.page)
        without = self.answers if has_page else self.answers | {Answer.NODATA}
        return message.rcode() in {_RCODES[answer] for answer in without if answer in _RCODES}


def _addresses(message: dns.message.Message) -> set[IPv4Address | IPv6Address]:
    return {
        IPv4Address(record.address) if record.rdtype == dns.rdatatype.A else IPv6Address(record.address)
        for rrset in message.answer
        for record in rrset
        if record.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
    }


async def ask(way: Way, transport: Transport, name: str, blocking: Blocking) -> Said:
    """Ask once (over UDP twice, for a datagram may be lost); NOTHING when nobody answers."""
    query = dns.message.make_query(name, blocking.qtype, use_edns=0)
    query.flags |= dns.flags.RD
    tries = 2 if transport == "udp" else 1
    for _ in range(tries):
        try:
            answer = await _exchange(way, transport, query)
        except (OSError, EOFError, dns.exception.DNSException, ExceptionGroup):
            continue
        if blocking.shows_in(answer):
            return Said.BLOCKED
        return Said.NOTHING if answer.rcode() == dns.rcode.REFUSED else Said.PASSED
    return Said.NOTHING


async def _exchange(way: Way, transport: Transport, query: dns.message.Message) -> dns.message.Message:
    where, port = way.target
    if transport == "tcp":
        return await dns.asyncquery.tcp(query, where, TIMEOUT_S, port, source=way.source)
    return await dns.asyncquery.udp(query, where, TIMEOUT_S, port, source=way.source)
