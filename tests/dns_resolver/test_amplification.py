"""Nobody gains by asking for a listed name in a victim's address (ADR 0014)."""

from ipaddress import ip_address

import pytest
from dns_asking import query, read
from hypothesis import given
from hypothesis import strategies as st
from listing_engine import blocked, steered

from cop_filter.verdict import Answer, LegalBasis
from dns_resolver import local_zones
from dns_resolver.answers import Answers
from dns_resolver.wire import Rcode, Reply, read_query, write_reply

QTYPES = [1, 2, 5, 6, 12, 15, 16, 28, 33, 64, 65, 251, 252, 255, 65280]
ADDRESSES = (*(ip_address(f"192.0.2.{n}") for n in range(1, 9)), ip_address("2001:db8::80"))
FEW = Answers(splash=(ADDRESSES[0], ADDRESSES[-1]), steer_to=(ADDRESSES[0], ADDRESSES[-1]), ttl_s=30)
MANY = Answers(splash=ADDRESSES, steer_to=ADDRESSES, ttl_s=30)
VERDICTS = [blocked(answer, basis) for answer in Answer for basis in LegalBasis] + [steered()]
ERRORS = [Reply(rcode, ede=(22,), policy=True) for rcode in Rcode]
CLIENT_COOKIE, COOKIE = b"12345678", bytes(24)
EDNS = [{}, {"edns": True}, {"do": True}, {"cookie": CLIENT_COOKIE}, {"cookie": COOKIE}]


def labels(name_bytes):
    """Labels of a name of so many bytes in wire form; none has two."""
    rest = name_bytes - 1
    found = []
    while rest:
        label = min(rest - 1, 63) if rest != 65 else 62
        found.append(b"a" * label)
        rest -= label + 1
    return found


def replies(qtype):
    for answers in (FEW, MANY):
        for verdict in VERDICTS:
            reply = answers.stops(verdict, qtype)
            if reply is not None:
                yield reply
        yield answers.nodata()
        yield local_zones.answer("mask.icloud.com", answers)
    yield from ERRORS


def responses(packet, reply, **terms):
    request = read_query(packet)
    return write_reply(request, reply, payload_bytes=1232, cookie=COOKIE if request.cookie else None, **terms)


@pytest.mark.parametrize("options", EDNS)
def test_no_policy_reply_to_an_unproven_client_is_more_than_twice_its_query(options):
    for name_bytes in (1, *range(3, 256)):
        name = labels(name_bytes)
        for qtype in QTYPES[:: 1 if name_bytes < 40 else 5]:
            packet = query(name, qtype, **options)
            for reply in set(replies(qtype)):
                assert len(responses(packet, reply)) <= 2 * len(packet)


@given(
    st.lists(st.binary(min_size=1, max_size=63), max_size=3),
    st.integers(0, 65535),
    st.sampled_from(EDNS),
    st.data(),
)
def test_any_name_and_type_is_answered_with_at_most_twice_its_query(name, qtype, options, data):
    packet = query(name, qtype, **options)
    reply = data.draw(st.sampled_from(list(replies(qtype))))
    response = responses(packet, reply)
    assert len(response) <= 2 * len(packet)
    answers, tc = int.from_bytes(response[6:8]), bool(response[2] & 2)
    assert tc == (answers < reply.answers)


@given(st.binary(max_size=200), st.sampled_from(ERRORS))
def test_any_bytes_at_all_are_answered_with_at_most_twice_as_many(packet, reply):
    request = read_query(packet)
    if request is not None:
        assert len(write_reply(request, reply, payload_bytes=1232)) <= 2 * len(packet)


@pytest.mark.parametrize("terms", [{"stream": True}, {"proven": True}])
@pytest.mark.parametrize("options", EDNS)
def test_a_proven_client_gets_the_whole_reply(options, terms):
    for qtype in QTYPES:
        packet = query("a.test", qtype, **options)
        for reply in replies(qtype):
            response = read(responses(packet, reply, **terms))
            assert not response.tc
            assert (len(response.data), len(response.record.auth)) == (reply.answers, reply.authorities)


@pytest.mark.parametrize("options", EDNS)
@pytest.mark.parametrize(("qtype", "from_bytes"), [(1, 1), (28, 13)])
def test_one_address_with_its_errors_is_not_truncated(qtype, from_bytes, options):
    reply = FEW.stops(blocked(), qtype)
    if options == {"cookie": CLIENT_COOKIE}:
        from_bytes += 4  # what the cookie adds to the reply beyond twice what it added to the query
    for name_bytes in (n for n in range(from_bytes, 256) if n != 2):
        response = read(responses(query(labels(name_bytes), qtype, **options), reply))
        assert not response.tc
        assert len(response.data) == 1
        assert response.ede == ([15, 4] if options else [])


@pytest.mark.parametrize("reply", [FEW.nxdomain((15,)), FEW.nodata((15,)), FEW.nodata()])
def test_a_negative_reply_keeps_its_soa_for_all_but_short_names(reply):
    for options, from_bytes in [({"edns": True}, 13), ({"cookie": CLIENT_COOKIE}, 17), ({}, 18)]:
        for name_bytes in range(from_bytes, 256):
            response = read(responses(query(labels(name_bytes), 65, **options), reply))
            assert response.soa_ttls == [30]
            assert response.rcode == reply.rcode


def test_a_negative_reply_without_room_for_its_soa_is_not_truncated():
    response = read(responses(query("a.test"), FEW.nxdomain((15,))))
    assert (response.tc, response.rcode, response.soa_ttls) == (False, 3, [])


def test_an_upstreams_answer_is_no_policy_and_is_not_cut_short():
    packet = query("a.test", "TXT")
    reply = FEW.stops(blocked(), 28)._replace(policy=False, ede=())
    assert len(read(responses(packet, reply)).data) == 1
