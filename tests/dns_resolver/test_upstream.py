"""One question to one upstream that may be slow, dead, forged or hostile."""

import socket

import pytest
from dnslib import RR, DNSQuestion
from loopback_upstream import zone

from cop_filter.config import Address
from dns_resolver.message import Asked
from dns_resolver.upstream import Failure, UpstreamFailed, exchange

ASKED = Asked(b"\x03www\x04good\x07example\x00", 1)
ANSWER = zone("www.good.example. 300 A 192.0.2.1")


async def ask(address, timeout_s=1.0):
    return await exchange(address, ASKED, timeout_s=timeout_s, payload_bytes=1232)


def truncated(query):
    reply = query.reply()
    reply.header.tc = 1
    return reply


def large(query):
    reply = query.reply()
    reply.add_answer(*(RR.fromZone(f"www.good.example. 300 A 192.0.2.{n}")[0] for n in range(200)))
    return reply


async def test_an_answer_comes_back_over_udp(start_upstream):
    upstream = await start_upstream(ANSWER)
    answer = await ask(upstream.address)
    assert (answer.answers, answer.lifetime_s) == (1, 300)
    assert upstream.asked == [("www.good.example", "A", "udp")]


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_upstream_may_have_an_ipv6_address(start_upstream):
    upstream = await start_upstream(ANSWER, address=("::1", 0))
    assert (await ask(upstream.address)).answers == 1


async def test_a_truncated_answer_is_fetched_over_tcp(start_upstream):
    upstream = await start_upstream(truncated)
    upstream.tcp_answer = large
    assert (await ask(upstream.address)).answers == 200
    assert [transport for _, _, transport in upstream.asked] == ["udp", "tcp"]


async def test_truncation_over_tcp_too_is_malformed(start_upstream):
    upstream = await start_upstream(truncated)
    with pytest.raises(UpstreamFailed) as failed:
        await ask(upstream.address)
    assert failed.value.failure is Failure.MALFORMED


async def test_a_tcp_stream_that_ends_early_is_malformed(start_upstream):
    upstream = await start_upstream(truncated)
    upstream._connected = None
    upstream.tcp_answer = lambda query: b"short"
    with pytest.raises(UpstreamFailed) as failed:
        await ask(upstream.address)
    assert failed.value.failure is Failure.MALFORMED


async def test_a_silent_upstream_times_out_after_a_second_try(start_upstream):
    upstream = await start_upstream(lambda query: None)
    with pytest.raises(UpstreamFailed) as failed:
        await ask(upstream.address, timeout_s=0.2)
    assert failed.value.failure is Failure.TIMEOUT
    assert len(upstream.asked) == 2


async def test_one_lost_datagram_is_no_failure(start_upstream):
    lost = [True]

    def lossy(query):
        return None if lost and lost.pop() else ANSWER(query)

    upstream = await start_upstream(lossy)
    assert (await ask(upstream.address, timeout_s=0.4)).answers == 1


async def test_a_dead_upstream_is_noticed_at_once():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        address = Address(*sock.getsockname())
    with pytest.raises(UpstreamFailed) as failed:
        await ask(address, timeout_s=60)
    assert failed.value.failure is Failure.UNREACHABLE


async def test_forged_responses_are_passed_over_until_the_true_one_comes(start_upstream):
    def forging(query):
        true = ANSWER(query)
        wrong_id = ANSWER(query)
        wrong_id.header.id = true.header.id ^ 1
        other = zone("www.good.example. 300 A 203.0.113.66")(query)
        other.questions = [DNSQuestion("evil.example")]
        return [
            b"",
            b"junk",
            bytes(wrong_id.pack()),
            bytes(other.pack()),
            bytes(query.pack()),
            bytes(true.pack()),
        ]

    upstream = await start_upstream(forging)
    answer = await ask(upstream.address)
    assert bytes([192, 0, 2, 1]) in answer.body


async def test_a_malformed_response_is_a_failure(start_upstream):
    upstream = await start_upstream(lambda query: bytes(ANSWER(query).pack())[:-2])
    with pytest.raises(UpstreamFailed) as failed:
        await ask(upstream.address)
    assert failed.value.failure is Failure.MALFORMED


async def test_source_ports_and_ids_change_with_every_query(start_upstream):
    ids = []

    def noting(query):
        ids.append(query.header.id)
        return ANSWER(query)

    upstream = await start_upstream(noting)
    for _ in range(40):
        await ask(upstream.address)
    assert len(set(ids)) > 35
    assert len(set(upstream.ports)) > 30
    steps = {later - earlier for earlier, later in zip(upstream.ports, upstream.ports[1:], strict=False)}
    assert len(steps) > 10, "source ports that count up can be guessed"
