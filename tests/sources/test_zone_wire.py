"""Messages are read as dnspython reads them, and damaged ones are refused, whatever they hold."""

import struct

import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.formats.rpz import ZONE_TYPES
from cop_filter.sources.zone_wire import TYPES, Malformed, Message, WireRecord

ZONE = "rpz.test."
LABEL = st.binary(min_size=1, max_size=20)
NAME = st.lists(LABEL, min_size=0, max_size=5).map(
    lambda labels: dns.name.Name((*labels, b"rpz", b"test", b""))
)


def records_of(wire: bytes) -> list[WireRecord]:
    return list(Message(wire).records())


@given(st.lists(st.tuples(NAME, NAME), max_size=30))
def test_names_are_read_as_they_were_written(pairs: list[tuple[dns.name.Name, dns.name.Name]]) -> None:
    answer = dns.message.make_response(dns.message.make_query(ZONE, "AXFR"))
    for owner, target in pairs:
        data = dns.rrset.from_text(owner, 60, "IN", "CNAME", target.to_text())
        answer.answer.append(data)
    wire = answer.to_wire(max_size=65535)
    found = [
        (dns.name.from_text(one.owner), dns.name.from_text(one.data))
        for one in records_of(wire)
        if one.type == dns.rdatatype.CNAME
    ]
    assert found == pairs
    assert Message(wire).header.question == (ZONE, dns.rdatatype.AXFR)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(wire: bytes) -> None:
    for whole in (wire, struct.pack("!HHHHHH", 1, 0x8000, 1, 3, 0, 1) + wire):
        try:
            message = Message(whole)
            list(message.records())
            message.tsig_at()
        except Malformed:
            pass


@given(st.data())
def test_a_message_with_some_bytes_changed_is_read_or_malformed(data: st.DataObject) -> None:
    answer = dns.message.make_response(dns.message.make_query(ZONE, "AXFR"))
    soa = "ns.rpz.test. root.rpz.test. 7 1 1 1 1"
    answer.answer = [
        dns.rrset.from_text(ZONE, 60, "IN", "SOA", soa),
        dns.rrset.from_text(f"a.example.{ZONE}", 60, "IN", "CNAME", "."),
        dns.rrset.from_text(f"b.example.{ZONE}", 60, "IN", "A", "192.0.2.1"),
    ]
    wire = bytearray(answer.to_wire())
    for place in data.draw(st.lists(st.integers(0, len(wire) - 1), min_size=1, max_size=4)):
        wire[place] = data.draw(st.integers(0, 255))
    try:
        message = Message(bytes(wire[: data.draw(st.integers(0, len(wire)))]))
        list(message.records())
        message.tsig_at()
    except Malformed:
        pass


@pytest.mark.parametrize("pointers", [b"\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\xc0\xff"])
def test_pointers_that_lead_nowhere_or_in_circles_are_malformed(pointers: bytes) -> None:
    with pytest.raises(Malformed):
        records_of(
            struct.pack("!HHHHHH", 1, 0x8000, 0, 1, 0, 0) + pointers + struct.pack("!HHIH", 5, 1, 0, 0)
        )


def test_a_long_chain_of_pointers_is_malformed() -> None:
    # The names stand in the data of one record, and the next points to the last of them.
    chain = b"\0" + b"".join(struct.pack("!H", 0xC000 | (23 + max(0, 1 + 2 * (n - 1)))) for n in range(200))
    record = b"\0" + struct.pack("!HHIH", 16, 1, 0, len(chain)) + chain
    last = struct.pack("!H", 0xC000 | (12 + len(record) - 2)) + struct.pack("!HHIH", 16, 1, 0, 0)
    head = struct.pack("!HHHHHH", 1, 0x8000, 0, 2, 0, 0)
    with pytest.raises(Malformed):
        records_of(head + record + last)


def test_types_that_are_of_the_zone_itself_have_their_words() -> None:
    assert set(TYPES.values()) >= ZONE_TYPES
    assert all(dns.rdatatype.from_text(word) == number for number, word in TYPES.items())
