"""An upstream's response is believed only when it answers what was asked, and kept as it came."""

import contextlib
import struct

import pytest
from dnslib import AAAA, CNAME, DNAME, EDNS0, HTTPS, MX, QTYPE, RR, SOA, TXT, A, DNSRecord, EDNSOption
from hypothesis import given
from hypothesis import strategies as st

from dns_resolver.message import Asked, reply, stale_reply, write_query
from dns_resolver.response import MalformedError, MismatchError, read_answer

NAME = b"\x03www\x04good\x07example\x00"
ASKED = Asked(NAME, 1)


def response(*records, authority=(), additional=(), rcode=0, qtype="A", id_=1):
    message = DNSRecord.question("www.good.example", qtype).reply(aa=0)
    message.header.id, message.header.rcode = id_, rcode
    message.add_answer(*records)
    message.add_auth(*authority)
    message.add_ar(*additional)
    return bytes(message.pack())


def soa(ttl=600, minimum=60, owner="good.example"):
    return RR(
        owner, QTYPE.SOA, ttl=ttl, rdata=SOA("ns.good.example", "host.good.example", (1, 2, 3, 4, minimum))
    )


def alias(target, owner="www.good.example"):
    return RR(owner, QTYPE.CNAME, ttl=60, rdata=CNAME(target))


ADDRESS = RR("www.good.example", QTYPE.A, ttl=300, rdata=A("192.0.2.1"))


def test_the_query_asks_for_recursion_and_carries_no_client_data():
    query = DNSRecord.parse(write_query(Asked(NAME, 28, do=True, cd=True), 77, 1232))
    assert (query.header.id, query.header.rd, query.header.cd) == (77, 1, 1)
    assert str(query.q.qname) == "www.good.example."
    assert (query.ar[0].edns_len, query.ar[0].edns_do, query.ar[0].rdata) == (1232, 1, [])


def test_an_answer_keeps_its_records_and_counts_down_their_lifetimes():
    answer = read_answer(response(ADDRESS), ASKED, 1)
    assert (answer.rcode, answer.answers, answer.authorities, answer.lifetime_s) == (0, 1, 0, 300)
    body = reply(answer, age_s=100).body
    packet = response(ADDRESS)
    assert len(body) == len(packet) - 12 - len(ASKED.question)
    rebuilt = DNSRecord.parse(packet[: 12 + len(ASKED.question)] + body)
    assert rebuilt.rr[0].ttl == 200
    assert str(rebuilt.rr[0].rdata) == "192.0.2.1"


def test_a_stale_reply_has_a_short_lifetime_and_says_so():
    stale = stale_reply(read_answer(response(ADDRESS), ASKED, 1), 30)
    assert struct.unpack_from("!I", stale.body, 6) == (30,)
    assert stale.ede == (3,)


@pytest.mark.parametrize("id_", [0, 2, 65535])
def test_a_spoofed_id_is_a_mismatch(id_):
    with pytest.raises(MismatchError):
        read_answer(response(ADDRESS, id_=id_), ASKED, 1)


@pytest.mark.parametrize(
    "asked",
    [Asked(b"\x03www\x04evil\x07example\x00", 1), Asked(NAME, 28), Asked(b"\x04good\x07example\x00", 1)],
)
def test_a_response_to_another_question_is_a_mismatch(asked):
    with pytest.raises(MismatchError):
        read_answer(response(ADDRESS), asked, 1)


def test_a_query_played_back_is_a_mismatch():
    with pytest.raises(MismatchError):
        read_answer(write_query(ASKED, 1, 1232), ASKED, 1)


def test_another_spelling_of_the_question_is_the_same_question():
    packet = response(ADDRESS).replace(b"www", b"WwW")
    assert read_answer(packet, ASKED, 1).answers == 1


def test_truncation_is_reported_whatever_the_rest_looks_like():
    packet = bytearray(response(ADDRESS))
    packet[2] |= 0x02
    assert read_answer(bytes(packet[:40]), ASKED, 1).truncated


def test_every_name_an_answer_leads_to_is_found():
    answer = read_answer(
        response(
            alias("a.bad.example"),
            RR("a.bad.example", QTYPE.DNAME, ttl=60, rdata=DNAME("tree.example")),
            RR("c.example", QTYPE.A, ttl=60, rdata=A("192.0.2.1")),
        ),
        ASKED,
        1,
    )
    assert answer.hosts == (b"\1a\3bad\7example\0", b"\4tree\7example\0", b"\1c\7example\0")


@pytest.mark.parametrize(
    ("target", "hosts"),
    [("svc.bad.example", (b"\3svc\3bad\7example\0",)), (".", ()), ("www.good.example", ())],
)
@pytest.mark.parametrize("qtype", ["HTTPS", "SVCB"])
def test_alias_and_service_targets_are_found(target, hosts, qtype):
    for priority in (0, 1):
        rdata = HTTPS(priority, [label.encode() for label in target.split(".") if label], [])
        record = RR("www.good.example", getattr(QTYPE, qtype), ttl=60, rdata=rdata)
        answer = read_answer(response(record, qtype=qtype), Asked(NAME, getattr(QTYPE, qtype)), 1)
        assert answer.hosts == hosts


def test_the_additional_section_is_dropped_for_it_may_hold_a_listed_address():
    mx = RR("www.good.example", QTYPE.MX, ttl=60, rdata=MX("mail.bad.example", 1))
    glue = RR("mail.bad.example", QTYPE.A, ttl=60, rdata=A("192.0.2.66"))
    answer = read_answer(response(mx, additional=[glue], qtype="MX"), Asked(NAME, 15), 1)
    assert bytes([192, 0, 2, 66]) not in answer.body
    assert answer.answers == 1


def test_the_upstreams_extended_errors_are_kept_without_their_text():
    opt = EDNS0(udp_len=1232, opts=[EDNSOption(15, b"\x00\x06why"), EDNSOption(10, b"cookie!!")])
    answer = read_answer(response(rcode=2, additional=[opt]), ASKED, 1)
    assert (answer.rcode, answer.ede) == (2, (6,))


def test_an_extended_response_code_becomes_servfail():
    answer = read_answer(response(additional=[EDNS0(udp_len=1232, ext_rcode=1)]), ASKED, 1)
    assert answer.rcode == 2


def with_options(rdata):
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(rdata)) + rdata
    return response()[:6] + struct.pack("!HHH", 0, 0, 1) + ASKED.question + opt


@pytest.mark.parametrize("rdata", [b"\0", b"\0\x0a\0", b"\0\x0a\0\x05abcd"])
def test_options_that_do_not_add_up_are_malformed(rdata):
    with pytest.raises(MalformedError):
        read_answer(with_options(rdata), ASKED, 1)


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=40)), max_size=8))
def test_any_well_formed_options_are_read(options):
    rdata = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in options)
    expected = tuple(int.from_bytes(data[:2]) for code, data in options if code == 15 and len(data) >= 2)
    assert read_answer(with_options(rdata), ASKED, 1).ede == expected


def test_an_upstream_cannot_have_thousands_of_error_codes_kept_and_passed_on():
    rdata = struct.pack("!HHH", 15, 2, 22) * 5000
    assert read_answer(with_options(rdata), ASKED, 1).ede == (22,) * 8


@pytest.mark.parametrize(
    ("packet", "lifetime"),
    [
        (response(ADDRESS), 300),
        (response(ADDRESS, authority=[soa(ttl=10)]), 10),
        (response(RR("www.good.example", QTYPE.A, ttl=0, rdata=A("192.0.2.1"))), 0),
        (response(RR("www.good.example", QTYPE.A, ttl=2**31, rdata=A("192.0.2.1"))), 0),
        (response(RR("www.good.example", QTYPE.A, ttl=2**31 - 1, rdata=A("192.0.2.1"))), 86_400),
        (response(authority=[soa()]), 60),
        (response(authority=[soa(ttl=20)]), 20),
        (response(authority=[soa(ttl=90000, minimum=90000)]), 10_800),
        (response(rcode=3, authority=[soa()]), 60),
        (response(rcode=3), 0),
        (response(), 0),
        (response(alias("other.example"), authority=[soa(minimum=7)]), 7),
        (response(alias("other.example")), 0),
        (response(rcode=2), 1),
        (response(rcode=5), 0),
    ],
)
def test_lifetimes_follow_rfc_2308(packet, lifetime):
    assert read_answer(packet, ASKED, 1).lifetime_s == lifetime


@pytest.mark.parametrize("end", range(12 + len(ASKED.question), len(response(ADDRESS))))
def test_a_response_cut_off_anywhere_is_malformed(end):
    with pytest.raises(MalformedError):
        read_answer(response(ADDRESS)[:end], ASKED, 1)


def raw(*records):
    return response()[:6] + struct.pack("!HHH", len(records), 0, 0) + ASKED.question + b"".join(records)


def record(owner, rtype=1, rdata=b"\xc0\x00\x02\x01"):
    return owner + struct.pack("!HHIH", rtype, 1, 60, len(rdata)) + rdata


@pytest.mark.parametrize(
    "packet",
    [
        raw(record(b"\xc0\x22")),  # a pointer to itself
        raw(record(b"\xff\xff")),  # a pointer beyond the message
        raw(record(b"\xc0\x00")),  # a pointer into the header
        raw(record(b"\x40abc\x00")),  # a label type nobody defined
        raw(record(b"\xc0\x0c", 5, b"\xc0\xff")),
        raw(record(b"\xc0\x0c", 5, b"\x3fabc")),
        raw(record(b"\xc0\x0c", 65, b"\0")),
        raw(record((b"\x3f" + b"a" * 63) * 4 + b"\0")),
        raw(record(b"\xc0\x0c"), b"\0"),
    ],
)
def test_hostile_names_and_records_are_malformed(packet):
    with pytest.raises(MalformedError):
        read_answer(packet, ASKED, 1)


def test_a_long_chain_of_pointers_is_read_in_time_that_grows_with_the_message_only():
    first = record(b"\xc0\x0c")
    count = 4000
    records = [first]
    at = 12 + len(ASKED.question)
    for _ in range(count):
        records.append(record(struct.pack("!H", 0xC000 | at) if at < 0x4000 else b"\xc0\x0c"))
        at += len(first)
    packet = raw(*records)
    assert read_answer(packet, ASKED, struct.unpack("!H", packet[:2])[0]).answers == count + 1


def test_an_answer_that_leads_to_hundreds_of_names_is_malformed():
    with pytest.raises(MalformedError):
        read_answer(response(*(alias(f"t{n}.example") for n in range(101))), ASKED, 1)


@given(st.binary(max_size=300), st.integers(0, 3), st.integers(0, 3))
def test_no_bytes_behind_a_true_question_make_the_reader_fail_otherwise(tail, answers, authorities):
    header = response()[:6] + struct.pack("!HHH", answers, authorities, 0)
    with contextlib.suppress(MalformedError):
        read_answer(header + ASKED.question + tail, ASKED, 1)


@given(st.binary(max_size=100))
def test_no_bytes_at_all_make_the_reader_fail_otherwise(packet):
    with pytest.raises((MismatchError, MalformedError)):
        read_answer(packet, ASKED, 1)


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.lower().split(".")) + b"\0"


NAMES = st.lists(
    st.sampled_from(["www", "good", "Bad", "a", "example", "x" * 63]), min_size=1, max_size=3
).map(".".join)
RDATA = st.one_of(
    st.just(A("192.0.2.1")),
    st.just(AAAA("2001:db8::1")),
    st.binary(max_size=40).map(TXT),
    NAMES.map(MX),
    NAMES.map(CNAME),
    NAMES.map(DNAME),
    NAMES.map(lambda name: HTTPS(1, [label.encode() for label in name.split(".")], [])),
    st.builds(lambda minimum: soa(minimum=minimum).rdata, st.integers(0, 2**32 - 1)),
)
RECORDS = st.lists(
    st.builds(
        lambda owner, rdata, ttl: RR(owner, getattr(QTYPE, type(rdata).__name__), rdata=rdata, ttl=ttl),
        st.one_of(st.just("www.good.example"), NAMES),
        RDATA,
        st.one_of(st.integers(0, 100_000), st.integers(0, 2**32 - 1)),
    ),
    max_size=5,
)


def bounded(ttl):
    return 0 if ttl >= 2**31 else min(ttl, 86_400)


@given(RECORDS, RECORDS, RECORDS, st.sampled_from([0, 2, 3, 5]))
def test_what_another_implementation_writes_is_read_as_it_was_meant(answered, authority, additional, rcode):
    packet = response(*answered, authority=authority, additional=additional, rcode=rcode)
    answer = read_answer(packet, ASKED, 1)
    assert (answer.rcode, answer.answers, answer.authorities) == (rcode, len(answered), len(authority))
    ttls = [bounded(record.ttl) for record in (*answered, *authority)]
    assert [ttl for _, ttl in answer.ttls] == ttls
    counts = struct.pack("!HHH", len(answered), len(authority), 0)
    rebuilt = DNSRecord.parse(packet[:6] + counts + ASKED.question + answer.body)
    assert [record.ttl for record in (*rebuilt.rr, *rebuilt.auth)] == ttls
    for record, kept in zip((*answered, *authority), (*rebuilt.rr, *rebuilt.auth), strict=True):
        assert (record.rname, record.rtype) == (kept.rname, kept.rtype)
        if record.rtype != QTYPE.DNAME:  # dnslib writes it and cannot read it
            assert str(record.rdata) == str(kept.rdata)
    hosts = {}
    for record in answered:
        hosts[wire_name(str(record.rname).rstrip("."))] = None
        if record.rtype == QTYPE.HTTPS:
            hosts[wire_name(b".".join(record.rdata.target).decode())] = None
        elif record.rtype in {QTYPE.CNAME, QTYPE.DNAME}:
            hosts[wire_name(str(record.rdata.label).rstrip("."))] = None
    hosts.pop(NAME, None)
    assert answer.hosts == tuple(hosts)


@given(RECORDS, st.integers(0, 90_000))
def test_lifetimes_are_counted_down_to_zero_and_nothing_else_changes(records, age_s):
    answer = read_answer(response(*records), ASKED, 1)
    body = bytearray(answer.body)
    for offset, ttl in answer.ttls:
        struct.pack_into("!I", body, offset, max(ttl - age_s, 0))
    assert reply(answer, age_s).body == body
