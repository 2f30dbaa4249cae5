"""Queries as clients send them, and responses as tests look at them."""

import asyncio
import struct
from types import SimpleNamespace

from dnslib import EDNS0, QTYPE, DNSLabel, DNSQuestion, DNSRecord, EDNSOption


async def until(condition):
    """Wait until what another thread does makes a condition true."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  another thread sets no event here
            await asyncio.sleep(0.01)


def query(
    name,
    qtype="A",
    *,
    edns=False,
    payload=1232,
    do=False,
    rd=1,
    cd=0,
    qclass=1,
    id_=4711,
    version=0,
    cookie=None,
):
    """A query packet; `name` is text or a list of label bytes."""
    labels = name if isinstance(name, list) else [part.encode() for part in name.split(".") if part]
    kind = qtype if isinstance(qtype, int) else getattr(QTYPE, qtype)
    record = DNSRecord(q=DNSQuestion(DNSLabel(labels), kind, qclass))
    record.header.id, record.header.rd, record.header.cd = id_, rd, cd
    if edns or do or version or cookie is not None:
        options = [] if cookie is None else [EDNSOption(10, cookie)]
        record.add_ar(EDNS0(udp_len=payload, flags="do" if do else "", version=version, opts=options))
    return bytes(record.pack())


def read(packet):
    """The parts of a response that tests speak of."""
    record = DNSRecord.parse(packet)
    opts = [rr for rr in record.ar if rr.rtype == QTYPE.OPT]
    ede = []
    cookies = []
    for opt in opts:
        for option in opt.rdata:
            if option.code == 15:
                ede.append(struct.unpack("!H", option.data[:2])[0])
                if option.data[2:]:
                    raise AssertionError("EXTRA-TEXT must stay empty")
            if option.code == 10:
                cookies.append(bytes(option.data))
    return SimpleNamespace(
        silent=False,
        packet=packet,
        record=record,
        id=record.header.id,
        rcode=record.header.rcode | (opts[0].edns_rcode << 4 if opts else 0),
        tc=bool(record.header.tc),
        question=record.questions[0] if record.questions else None,
        records=[(QTYPE[rr.rtype], str(rr.rdata), rr.ttl) for rr in record.rr],
        data=[str(rr.rdata) for rr in record.rr],
        soa_ttls=[rr.ttl for rr in record.auth if rr.rtype == QTYPE.SOA],
        edns=bool(opts),
        payload=opts[0].edns_len if opts else None,
        do=bool(opts and opts[0].edns_do),
        ede=ede,
        cookies=cookies,
    )
