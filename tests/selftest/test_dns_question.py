"""What a resolver's answer says: blocked by this filter, or not."""

from functools import partial
from ipaddress import IPv6Address

import dns.rdatatype
import pytest
from loopback_listeners import PAGE, Reply, reply, resolver

from cop_filter.selftest import dns_question
from cop_filter.selftest.dns_question import Blocking, Said, Transport, ask
from cop_filter.selftest.ways import Way
from cop_filter.verdict import Answer

NXDOMAIN, REFUSED, SERVFAIL = 3, 5, 2
BLOCKED, CENSORED, FORGED, STALE = 15, 16, 4, 3
SPLASH = Blocking(frozenset({PAGE}), frozenset({Answer.SPLASH}))
REFUSING = Blocking(frozenset(), frozenset({Answer.REFUSED, Answer.NXDOMAIN}))


async def asked(answer: Reply, blocking: Blocking, transport: Transport = "udp") -> Said:
    async with resolver(answer) as there:
        return await ask(Way("127.0.0.1", there), transport, "name.example", blocking)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_pages_address_with_its_reason_is_a_block(transport: Transport) -> None:
    answer = partial(reply, address=str(PAGE), ede=(CENSORED, FORGED))
    assert await asked(answer, SPLASH, transport) is Said.BLOCKED


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (partial(reply, rcode=NXDOMAIN, ede=(BLOCKED,)), Said.BLOCKED),
        (partial(reply, rcode=REFUSED, ede=(BLOCKED,)), Said.BLOCKED),
        (partial(reply, rcode=SERVFAIL, ede=(BLOCKED,)), Said.PASSED),
        (partial(reply, rcode=NXDOMAIN), Said.PASSED),
        (partial(reply, rcode=REFUSED, ede=(18,)), Said.NOTHING),
        (partial(reply, address="192.0.2.1", ede=(STALE,)), Said.PASSED),
    ],
)
async def test_without_a_page_the_reason_and_one_of_the_configured_answers_are_a_block(
    answer: Reply, said: Said
) -> None:
    assert await asked(answer, REFUSING) is said


async def test_an_upstreams_own_block_does_not_pass_for_ours() -> None:
    """Its reason is passed on (RFC 8914 §3), but it leads elsewhere, or answers as no list of ours does."""
    assert await asked(partial(reply, address="192.0.2.66", ede=(BLOCKED,)), SPLASH) is Said.PASSED
    assert await asked(partial(reply, rcode=NXDOMAIN, ede=(BLOCKED,)), SPLASH) is Said.PASSED


async def test_where_the_page_has_no_address_of_the_type_a_block_is_an_empty_answer() -> None:
    assert await asked(partial(reply, ede=(BLOCKED,)), Blocking(frozenset(), frozenset({Answer.SPLASH}))) is (
        Said.BLOCKED
    )
    only_ipv6 = Blocking(frozenset({IPv6Address("2001:db8::80")}), frozenset({Answer.SPLASH}))
    assert only_ipv6.qtype == dns.rdatatype.AAAA
    assert (
        await asked(partial(reply, address="2001:db8::80", ede=(BLOCKED, FORGED)), only_ipv6) is Said.BLOCKED
    )


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_silence_is_neither(monkeypatch: pytest.MonkeyPatch, transport: Transport) -> None:
    monkeypatch.setattr(dns_question, "TIMEOUT_S", 0.05)
    async with resolver(None) as there:
        assert await ask(Way("127.0.0.1", there), transport, "name.example", SPLASH) is Said.NOTHING
    assert await ask(Way("127.0.0.1", there), transport, "name.example", SPLASH) is Said.NOTHING
