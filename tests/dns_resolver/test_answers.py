"""What a verdict becomes on the wire."""

from ipaddress import ip_address

import pytest
from dns_asking import query, read
from dnslib import QTYPE
from listing_engine import blocked, observed, steered

from cop_filter.verdict import Answer, LegalBasis
from dns_resolver.answers import Answers
from dns_resolver.wire import read_query, write_reply

TYPES = ["A", "AAAA", "TXT", "MX", "NS", "SOA", "CNAME", "HTTPS", "SVCB", "ANY", "PTR", "TYPE65280"]


@pytest.fixture
def answered(answers):
    def answered(verdict, qtype, name="www.bad.example", answers=answers):
        request = read_query(
            query(name, QTYPE.reverse[qtype] if qtype in QTYPE.reverse else int(qtype[4:]), edns=True)
        )
        reply = answers.stops(verdict, request.qtype)
        if reply is None:
            return None
        return read(write_reply(request, reply, payload_bytes=1232))

    return answered


@pytest.mark.parametrize(("qtype", "address"), [("A", "192.0.2.80"), ("AAAA", "2001:db8::80")])
def test_splash_answers_addresses_of_the_asked_family(answered, qtype, address):
    response = answered(blocked(), qtype)
    assert response.rcode == 0
    assert response.records == [(qtype, address, 30)]
    assert str(response.record.rr[0].rname) == "www.bad.example."


@pytest.mark.parametrize("qtype", [name for name in TYPES if name not in {"A", "AAAA"}])
def test_splash_answers_no_data_with_soa_for_every_other_type(answered, qtype):
    response = answered(blocked(), qtype)
    assert response.rcode == 0
    assert response.records == []
    assert response.soa_ttls == [30]
    assert response.ede == [15]


def test_a_family_without_a_splash_address_gets_no_data(answered):
    four_only = Answers(splash=(ip_address("192.0.2.80"),), steer_to=(), ttl_s=30)
    response = answered(blocked(), "AAAA", answers=four_only)
    assert (response.rcode, response.records, response.soa_ttls) == (0, [], [30])


@pytest.mark.parametrize("qtype", TYPES)
@pytest.mark.parametrize(
    ("answer", "rcode", "soa"), [("nxdomain", 3, [30]), ("nodata", 0, [30]), ("refused", 5, [])]
)
def test_the_other_answers_hold_for_every_type(answered, answer, rcode, soa, qtype):
    response = answered(blocked(Answer(answer)), qtype)
    assert response.rcode == rcode
    assert response.records == []
    assert response.soa_ttls == soa
    assert response.ede == [15]


@pytest.mark.parametrize(("basis", "code"), [("order", 16), ("membership", 15), ("subscriber", 17)])
def test_the_extended_error_tells_the_legal_basis(answered, basis, code):
    assert answered(blocked(Answer.NXDOMAIN, LegalBasis(basis)), "A").ede == [code]
    assert answered(blocked(Answer.SPLASH, LegalBasis(basis)), "A").ede == [code, 4]


def test_the_soa_makes_the_negative_answer_cacheable_for_the_blocked_ttl(answered):
    soa = answered(blocked(Answer.NXDOMAIN), "A", name="a.b.bad.example").record.auth[0]
    assert str(soa.rname) == "a.b.bad.example."
    assert str(soa.rdata.mname) == "."
    assert str(soa.rdata.rname) == "."
    assert soa.rdata.times[4] == 30


def test_a_verdict_without_an_answer_is_refused(answered):
    response = answered(blocked()._replace(answer=None, legal_basis=None), "A")
    assert (response.rcode, response.ede) == (5, [15])


def test_a_steered_host_gets_the_proxy_and_nothing_that_leads_around_it(answered):
    assert answered(steered(), "A").records == [("A", "192.0.2.90", 30)]
    for qtype in ("AAAA", "HTTPS", "SVCB", "ANY"):
        response = answered(steered(), qtype)
        assert (response.rcode, response.records, response.soa_ttls) == (0, [], [30])
    assert answered(steered(), "MX") is None


def test_observed_and_allowed_names_go_on(answered):
    assert answered(observed(), "A") is None
