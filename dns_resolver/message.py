"""What upstreams are asked, and what is said of what they answered."""

import struct
from typing import NamedTuple

from cop_filter import _native
from cop_filter._native import Answer
from dns_resolver import edns, wire
from dns_resolver.wire import Reply

__all__ = ["Answer", "Asked", "reply", "stale_reply", "write_query"]


class Asked(NamedTuple):
    """What an upstream is asked, and under what an answer is kept. The class is always IN."""

    name: bytes
    """Wire form, lower case."""
    qtype: int
    do: bool = False
    cd: bool = False

    @property
    def question(self) -> bytes:
        """QNAME, QTYPE and QCLASS in wire form."""
        return self.name + struct.pack("!HH", self.qtype, wire.CLASS_IN)


def reply(answer: Answer, age_s: int = 0) -> Reply:
    """The reply after `age_s` seconds in the cache: every lifetime is shorter by as much."""
    body = answer.aged_body(age_s)
    return Reply(answer.rcode, answer.answers, answer.authorities, body, answer.ede)


def stale_reply(answer: Answer, ttl_s: int) -> Reply:
    """The reply when the answer has expired and no upstream can renew it (RFC 8767 §4)."""
    ede = (*answer.ede, edns.Ede.STALE_ANSWER)
    return Reply(answer.rcode, answer.answers, answer.authorities, answer.stale_body(ttl_s), ede)


def write_query(asked: Asked, id_: int, payload_bytes: int) -> bytes:
    """The query message to an upstream: recursion desired, an OPT record without options."""
    return _native.write_upstream_query(asked.question, id_, payload_bytes, asked.do, asked.cd)
