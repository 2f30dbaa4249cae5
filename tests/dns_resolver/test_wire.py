"""Queries are read strictly: a good one whole, a bad one as an error or as nothing at all."""

import struct

import pytest
from dns_asking import query, read
from dnslib import EDNS0, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from dns_resolver import wire
from dns_resolver.wire import Rcode, Rejected, Reply, Request, read_query, write_reply

PLAIN = query("Www.Good.Example", "AAAA")


def written(request, reply, **terms):
    return write_reply(request, reply, payload_bytes=1232, **terms)


def test_a_query_is_read_with_its_case_kept_for_the_echo():
    request = read_query(PLAIN)
    assert isinstance(request, Request)
    assert request.name == b"\x03www\x04good\x07example\x00"
    assert request.host == "www.good.example"
    assert request.question.startswith(b"\x03Www\x04Good")
    assert (request.id, request.qtype, request.qclass, request.edns) == (4711, 28, 1, None)
    assert (request.packet_bytes, request.cookie) == (len(PLAIN), None)


def test_the_edns_fields_are_read():
    request = read_query(query("good.example", do=True, payload=4096))
    assert request.edns.payload_bytes == 4096
    assert request.edns.do
    assert request.edns.version == 0


@pytest.mark.parametrize("size", range(12))
def test_less_than_a_header_is_met_with_silence(size):
    assert read_query(PLAIN[:size]) is None


def test_a_response_is_never_answered():
    response = bytearray(PLAIN)
    response[2] |= 0x80
    assert read_query(bytes(response)) is None


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 15])
def test_other_opcodes_are_not_implemented(opcode):
    packet = bytearray(PLAIN)
    packet[2] |= opcode << 3
    rejected = read_query(bytes(packet))
    assert rejected.rcode is Rcode.NOTIMP
    response = DNSRecord.parse(written(rejected, Reply(rejected.rcode)))
    assert response.header.opcode == opcode
    assert response.header.rcode == 4


@pytest.mark.parametrize(
    "counts",
    [(0, 0, 0, 0), (2, 0, 0, 0), (1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (65535, 65535, 65535, 65535)],
)
def test_counts_that_no_query_has_are_a_format_error(counts):
    packet = PLAIN[:4] + struct.pack("!HHHH", *counts) + PLAIN[12:]
    assert read_query(packet).rcode is Rcode.FORMERR


@pytest.mark.parametrize("end", range(12, len(PLAIN)))
def test_a_query_cut_off_anywhere_is_a_format_error(end):
    assert read_query(PLAIN[:end]).rcode is Rcode.FORMERR


def test_bytes_behind_the_last_record_are_a_format_error():
    assert read_query(PLAIN + b"\0").rcode is Rcode.FORMERR


@pytest.mark.parametrize("first", [0xC0, 0x40, 0x80, 0xFF])
def test_a_compression_pointer_in_the_question_is_a_format_error(first):
    packet = PLAIN[:12] + bytes([first, 12]) + PLAIN[-4:]
    assert read_query(packet).rcode is Rcode.FORMERR


def test_a_name_over_255_bytes_is_a_format_error():
    def packet(labels):
        return PLAIN[:12] + b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + PLAIN[-4:]

    longest = [b"a" * 63] * 3 + [b"a" * 61]
    assert isinstance(read_query(packet(longest)), Request)
    assert read_query(packet([b"a" * 63] * 3 + [b"a" * 62])).rcode is Rcode.FORMERR


def test_two_opt_records_are_a_format_error_that_still_carries_opt():
    record = DNSRecord.question("good.example")
    record.add_ar(EDNS0(udp_len=1232), EDNS0(udp_len=1232))
    rejected = read_query(bytes(record.pack()))
    assert rejected.rcode is Rcode.FORMERR
    assert read(written(rejected, Reply(rejected.rcode))).edns


def test_an_opt_record_with_an_owner_is_a_format_error():
    record = DNSRecord.question("good.example")
    record.add_ar(EDNS0("good.example", udp_len=1232))
    packet = bytes(record.pack()).replace(b"\xc0\x0c", b"\x01a\x00")
    assert read_query(packet).rcode is Rcode.FORMERR


def test_an_option_longer_than_its_record_is_a_format_error():
    record = DNSRecord.question("good.example")
    record.add_ar(EDNS0(udp_len=1232, opts=[EDNSOption(10, b"12345678")]))
    packet = bytearray(record.pack())
    packet[-9] = 9
    assert read_query(bytes(packet)).rcode is Rcode.FORMERR


@pytest.mark.parametrize("length", range(48))
def test_a_cookie_is_read_and_one_of_a_length_that_none_has_is_a_format_error(length):
    cookie = bytes(range(length))
    request = read_query(query("good.example", cookie=cookie))
    if length == 8 or 16 <= length <= 40:
        assert request.cookie == cookie
    else:
        assert request.rcode is Rcode.FORMERR
        assert read(written(request, Reply(request.rcode))).edns


def test_of_two_cookies_the_first_counts():
    record = DNSRecord.question("good.example")
    record.add_ar(EDNS0(udp_len=1232, opts=[EDNSOption(10, b"12345678"), EDNSOption(10, b"odd")]))
    assert read_query(bytes(record.pack())).cookie == b"12345678"


def test_the_options_of_another_edns_version_are_not_read():
    assert read_query(query("good.example", version=1, cookie=b"odd")).rcode is Rcode.BADVERS


def test_another_additional_record_is_stepped_over():
    record = DNSRecord.question("good.example")
    tail = b"\x01k\x00" + struct.pack("!HHIH", 250, 255, 0, 3) + b"sig"
    packet = bytearray(bytes(record.pack()) + tail)
    packet[11] = 1
    assert isinstance(read_query(bytes(packet)), Request)


def test_another_edns_version_is_badvers():
    rejected = read_query(query("good.example", version=1))
    assert rejected.rcode is Rcode.BADVERS
    response = read(written(rejected, Reply(rejected.rcode)))
    assert response.rcode == 16
    assert response.edns


def test_opt_goes_to_those_who_sent_it_and_to_no_one_else():
    with_edns = read(written(read_query(query("good.example", do=True)), Reply(0, ede=(15, 4))))
    assert with_edns.payload == 1232
    assert with_edns.do
    assert with_edns.ede == [15, 4]
    assert not read(written(read_query(PLAIN), Reply(0, ede=(15,)))).edns


def test_a_cookie_goes_into_opt_and_nowhere_else():
    cookie = bytes(range(24))
    with_edns = read(
        written(read_query(query("good.example", edns=True)), Reply(0, ede=(15,)), cookie=cookie)
    )
    assert (with_edns.cookies, with_edns.ede) == ([cookie], [15])
    assert not read(written(read_query(PLAIN), Reply(0), cookie=cookie)).edns


def test_only_a_whole_cookie_can_be_written():
    with pytest.raises(ValueError, match="24 bytes"):
        written(read_query(PLAIN), Reply(0), cookie=b"12345678")


def test_the_question_is_echoed_as_it_was_spelled():
    response = DNSRecord.parse(written(read_query(PLAIN), Reply(Rcode.REFUSED)))
    assert response.questions[0].qname.label == (b"Www", b"Good", b"Example")
    assert (response.header.id, response.header.qr, response.header.rd, response.header.ra) == (4711, 1, 1, 1)
    assert response.header.rcode == 5


def test_a_reply_that_does_not_fit_is_truncated_and_keeps_opt():
    request = read_query(query("good.example", edns=True, payload=512))
    response = read(written(request, Reply(0, 40, 0, b"\0" * 600, (15,))))
    assert response.tc
    assert response.records == []
    assert response.edns
    assert len(response.packet) <= 512


def test_checking_disabled_is_echoed_and_authentic_data_is_never_claimed():
    packet = bytearray(query("good.example", cd=1))
    packet[3] |= 0x20
    response = DNSRecord.parse(written(read_query(bytes(packet)), Reply(0)))
    assert response.header.cd == 1
    assert response.header.ad == 0


@given(st.binary(max_size=600))
def test_no_bytes_at_all_make_the_reader_raise(packet):
    request = read_query(packet)
    if request is not None:
        rcode = request.rcode if isinstance(request, Rejected) else Rcode.NOERROR
        assert len(written(request, Reply(rcode))) <= 512


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_no_changed_byte_makes_the_reader_raise(at, value):
    packet = bytearray(query("www.good.example", do=True))
    packet[at] = value
    request = read_query(bytes(packet))
    assert request is None or written(request, Reply(0))


@given(st.lists(st.binary(min_size=1, max_size=63), max_size=3), st.integers(0, 65535))
def test_any_labels_and_type_are_read_back(labels, qtype):
    request = read_query(
        PLAIN[:12]
        + b"".join(bytes([len(label)]) + label for label in labels)
        + b"\0"
        + struct.pack("!HH", qtype, wire.CLASS_IN)
    )
    assert request.qtype == qtype
    assert request.name.count(b"") == sum(len(label) + 1 for label in labels) + 2
