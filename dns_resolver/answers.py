"""Verdicts as DNS replies. Pure: no engine, no sockets.

Every record of such a reply is owned by the asked name, which is a compression pointer to the
question; so the records do not depend on who asked for what and are built once, by dnslib.
"""

from ipaddress import IPv4Address, IPv6Address

from dnslib import AAAA, QTYPE, RR, SOA, A, DNSLabel, DNSQuestion, DNSRecord

from cop_filter.verdict import Action, LegalBasis, Verdict
from cop_filter.verdict import Answer as BlockAnswer
from dns_resolver.edns import Ede
from dns_resolver.wire import (
    HEADER_BYTES,
    TYPE_A,
    TYPE_AAAA,
    TYPE_ANY,
    TYPE_HTTPS,
    TYPE_SVCB,
    Rcode,
    Reply,
)

_EDE_BY_LEGAL_BASIS = {
    LegalBasis.ORDER: Ede.CENSORED,
    LegalBasis.MEMBERSHIP: Ede.BLOCKED,
    LegalBasis.SUBSCRIBER: Ede.FILTERED,
}
_OWNER = DNSLabel([b"owner"])
_ADDRESS_TYPES = frozenset({TYPE_A, TYPE_AAAA})
_STEERED_TYPES = frozenset({TYPE_A, TYPE_AAAA, TYPE_HTTPS, TYPE_SVCB, TYPE_ANY})
# The SOA serves to be kept (RFC 2308 §5): caches read its owner, TTL and MINIMUM. The root as MNAME and
# RNAME says that there is nobody to send updates or mail to, in the fewest bytes: see ADR 0014.
_ROOT = DNSLabel([])
_SERIAL, _REFRESH_S, _RETRY_S, _EXPIRE_S = 1, 3600, 1200, 604_800

Addresses = tuple[IPv4Address | IPv6Address, ...]


def _body(answers: list[RR], authorities: list[RR]) -> bytes:
    record = DNSRecord(q=DNSQuestion(_OWNER), rr=answers, auth=authorities)
    question_bytes = len(_OWNER.label[0]) + 2 + 4
    return bytes(record.pack())[HEADER_BYTES + question_bytes :]


def _address_records(addresses: Addresses, ttl_s: int) -> dict[int, list[RR]]:
    return {
        TYPE_A: [
            RR(_OWNER, QTYPE.A, ttl=ttl_s, rdata=A(str(address)))
            for address in addresses
            if address.version == 4
        ],
        TYPE_AAAA: [
            RR(_OWNER, QTYPE.AAAA, ttl=ttl_s, rdata=AAAA(str(address)))
            for address in addresses
            if address.version == 6
        ],
    }


class Answers:
    """The replies of one configuration."""

    def __init__(self, *, splash: Addresses, steer_to: Addresses, ttl_s: int) -> None:
        times = (_SERIAL, _REFRESH_S, _RETRY_S, _EXPIRE_S, ttl_s)
        soa = RR(_OWNER, QTYPE.SOA, ttl=ttl_s, rdata=SOA(_ROOT, _ROOT, times))
        self._negative = _body([], [soa])
        self._splash = _replies(splash, ttl_s)
        self._steer = _replies(steer_to, ttl_s)

    def nxdomain(self, ede: tuple[int, ...] = ()) -> Reply:
        """The name does not exist; with the SOA that makes this cacheable (RFC 2308)."""
        return Reply(Rcode.NXDOMAIN, 0, 1, self._negative, ede, policy=True)

    def nodata(self, ede: tuple[int, ...] = ()) -> Reply:
        """The name has nothing of the asked type."""
        return Reply(Rcode.NOERROR, 0, 1, self._negative, ede, policy=True)

    def blocked(self, verdict: Verdict, qtype: int) -> Reply:
        """The reply for a stopped name, of the kind its list asks for.

        A verdict without an answer comes from a fault in deciding, and is refused: that says no more
        than is known.
        """
        basis = verdict.legal_basis
        ede: tuple[int, ...] = (Ede.BLOCKED if basis is None else _EDE_BY_LEGAL_BASIS[basis],)
        match verdict.answer:
            case BlockAnswer.SPLASH:
                addresses = self._splash.get(qtype)
                if addresses is None:
                    return self.nodata(ede)
                return addresses._replace(ede=(*ede, Ede.FORGED_ANSWER))
            case BlockAnswer.NXDOMAIN:
                return self.nxdomain(ede)
            case BlockAnswer.NODATA:
                return self.nodata(ede)
            case _:
                return Reply(Rcode.REFUSED, ede=ede, policy=True)

    def steered(self, qtype: int) -> Reply | None:
        """The reply that leads a host with listed pages to the proxy stage; None: forward this type.

        HTTPS and SVCB are answered with NODATA: that strips `ech`, `ipv4hint`, `ipv6hint` and h3,
        each of which would lead the browser around the proxy. No EDE: nothing is blocked yet.
        """
        if qtype not in _STEERED_TYPES:
            return None
        return self._steer.get(qtype) or self.nodata()

    def stops(self, verdict: Verdict, qtype: int) -> Reply | None:
        """The local reply that a verdict on the asked name calls for; None: the question may go on."""
        if verdict.action is Action.BLOCK:
            return self.blocked(verdict, qtype)
        if verdict.action is Action.STEER:
            return self.steered(qtype)
        return None


def _replies(addresses: Addresses, ttl_s: int) -> dict[int, Reply]:
    """The positive reply by query type, for the families that have an address."""
    return {
        qtype: Reply(Rcode.NOERROR, len(records), 0, _body(records, []), policy=True)
        for qtype, records in _address_records(addresses, ttl_s).items()
        if records
    }
