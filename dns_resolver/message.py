"""What upstreams are asked and what they answered, kept as bytes.

Records are never taken apart and rebuilt: what the client gets is what the upstream sent, with the
lifetimes counted down.
"""

import struct
from typing import NamedTuple

from cop_filter import _native
from dns_resolver import edns, wire
from dns_resolver.wire import Rcode, Reply

_CONCLUSIVE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})


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


class Answer(NamedTuple):
    """An upstream's answer, ready to be sent to anyone who asks the same."""

    rcode: int
    answers: int = 0
    authorities: int = 0
    body: bytes = b""
    ttls: tuple[tuple[int, int], ...] = ()
    """(offset in `body`, seconds) of every lifetime."""
    lifetime_s: int = 0
    """How long it may be kept; 0: not at all."""
    hosts: tuple[str, ...] = ()
    """Alias targets and owners besides the asked name, as the engine reads them."""
    ede: tuple[int, ...] = ()
    truncated: bool = False

    @property
    def conclusive(self) -> bool:
        """True when this says what the name has, and not that something went wrong."""
        return self.rcode in _CONCLUSIVE

    def reply(self, age_s: float = 0.0) -> Reply:
        """The reply after `age_s` seconds in the cache: every lifetime is shorter by as much."""
        body = self.body
        elapsed = int(age_s)
        if elapsed > 0:
            patched = bytearray(body)
            for offset, ttl in self.ttls:
                struct.pack_into("!I", patched, offset, max(ttl - elapsed, 0))
            body = bytes(patched)
        return Reply(self.rcode, self.answers, self.authorities, body, self.ede)

    def stale_reply(self, ttl_s: int) -> Reply:
        """The reply when the answer has expired and no upstream can renew it (RFC 8767 §4)."""
        patched = bytearray(self.body)
        for offset, _ in self.ttls:
            struct.pack_into("!I", patched, offset, ttl_s)
        ede = (*self.ede, edns.Ede.STALE_ANSWER)
        return Reply(self.rcode, self.answers, self.authorities, bytes(patched), ede)


def write_query(asked: Asked, id_: int, payload_bytes: int) -> bytes:
    """The query message to an upstream: recursion desired, an OPT record without options."""
    return _native.write_upstream_query(asked.question, id_, payload_bytes, asked.do, asked.cd)
