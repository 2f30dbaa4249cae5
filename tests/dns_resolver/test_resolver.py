"""The pipeline: who is answered, what is decided, when upstreams are asked."""

import asyncio

import pytest
from dns_asking import query, read
from dnslib import RR
from generations import a_profile
from listing_engine import blocked, observed, steered
from loopback_upstream import zone

from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Answer
from dns_resolver.resolver import Pending

TYPES = ["A", "AAAA", "TXT", "MX", "HTTPS", "SVCB", "ANY", "NS", "SOA", "CNAME", "SRV", "PTR", 65280]


async def test_an_ordinary_name_is_forwarded_and_its_answer_returned(ask, upstream):
    response = await ask("WWW.Good.example", id_=99)
    assert response.records == [("A", "192.0.2.1", 300)]
    assert response.id == 99
    assert response.question.qname.label == (b"WWW", b"Good", b"example")
    assert upstream.asked == [("www.good.example", "A", "udp")]


@pytest.mark.parametrize("qtype", TYPES)
async def test_a_listed_name_is_never_asked_upstream(ask, engine, upstream, qtype):
    engine.listed["bad.example"] = blocked()
    response = await ask("www.bad.example", qtype, edns=True)
    assert response.rcode == 0
    assert 15 in response.ede
    assert "192.0.2.66" not in response.data
    assert upstream.asked == []


async def test_every_decision_is_counted_once_under_its_list(ask, engine, counted):
    engine.listed |= {"bad.example": blocked(), "pages.example": steered(), "good.example": observed()}
    for name in ("www.bad.example", "pages.example", "www.good.example", "nothing.example"):
        await ask(name)
    assert counted("decisions", plane="dns", action="block", list="national") == 1
    assert counted("decisions", plane="dns", action="steer", list="national") == 1
    assert counted("decisions", plane="dns", action="observe", list="trial") == 1
    assert counted("decisions", plane="dns", action="allow", list="") == 1


async def test_an_alias_of_a_listed_name_is_blocked_fresh_and_from_the_cache(ask, engine, upstream, counted):
    engine.listed["bad.example"] = blocked(Answer.NXDOMAIN)
    for _ in range(2):
        response = await ask("alias.good.example", edns=True)
        assert (response.rcode, response.data, response.ede) == (3, [], [15])
    assert counted("decisions", plane="dns", action="block", list="national") == 2


async def test_an_alias_of_an_observed_name_passes_and_is_counted(ask, engine, counted):
    engine.listed["bad.example"] = observed()
    assert (await ask("alias.good.example")).rcode == 0
    assert counted("decisions", plane="dns", action="observe", list="trial") == 1


async def test_a_steered_target_leaves_its_alias_alone(ask, engine):
    engine.listed["bad.example"] = steered()
    assert "192.0.2.66" in (await ask("alias.good.example")).data


async def test_a_steered_host_is_answered_locally_for_addresses_only(ask, engine, upstream):
    engine.listed["pages.example"] = steered()
    assert (await ask("pages.example")).data == ["192.0.2.90"]
    assert (await ask("pages.example", "HTTPS")).data == []
    assert upstream.asked == []
    assert (await ask("pages.example", "TXT")).data == ['"text"']


async def test_a_second_question_is_answered_from_the_cache(ask, upstream, counted):
    await ask("www.good.example")
    response = await ask("WWW.good.EXAMPLE", id_=5)
    assert response.id == 5
    assert response.data == ["192.0.2.1"]
    assert len(upstream.asked) == 1
    assert counted("dns_events", event="cache_hit") == 1


async def test_a_name_that_does_not_exist_is_remembered(ask, upstream):
    for _ in range(2):
        response = await ask("nothing.example")
        assert response.rcode == 3
        assert response.soa_ttls == [60]
    assert len(upstream.asked) == 1


async def test_dnssec_and_plain_answers_are_kept_apart(ask, upstream):
    await ask("www.good.example")
    await ask("www.good.example", do=True)
    await ask("www.good.example", cd=1)
    assert len(upstream.asked) == 3


async def test_identical_questions_in_flight_are_asked_once(ask, upstream):
    upstream.held.clear()
    asking = [asyncio.ensure_future(ask("www.good.example", id_=n)) for n in range(20)]
    await upstream.received.wait()
    upstream.held.set()
    responses = await asyncio.gather(*asking)
    assert [response.id for response in responses] == list(range(20))
    assert len(upstream.asked) == 1


async def test_a_listing_applies_to_what_is_cached_from_the_next_query_on(ask, engine, upstream):
    await ask("www.good.example")
    await ask("alias.good.example")
    engine.listed |= {"good.example": blocked()}
    assert (await ask("www.good.example")).data == ["192.0.2.80"]
    engine.listed = {"bad.example": blocked()}
    assert (await ask("alias.good.example")).data == ["192.0.2.80"]
    engine.listed = {}
    assert (await ask("www.good.example")).data == ["192.0.2.1"]


@pytest.mark.parametrize("listed", ["good.example", "bad.example"])
async def test_an_answer_in_flight_during_a_swap_is_judged_by_the_new_generation(
    ask, engine, upstream, cache, listed
):
    upstream.held.clear()
    asking = asyncio.ensure_future(ask("alias.good.example"))
    await upstream.received.wait()
    engine.listed = {listed: blocked()}
    upstream.held.set()
    assert (await asking).data == ["192.0.2.80"]
    assert len(cache) == 0, "what may not be told is not kept"


async def test_a_swap_purges_answers_of_newly_listed_names_and_of_their_aliases(ask, engine, resolver, cache):
    for name in ("www.good.example", "alias.good.example", "pages.example", "nothing.example"):
        await ask(name)
    engine.listed = {"bad.example": blocked(), "pages.example": steered(), "nothing.example": blocked()}
    assert await resolver.purge() == 3
    kept = cache.keys()
    assert [asked.name for asked in kept] == [b"\x03www\x04good\x07example\x00"]


async def test_clients_outside_the_networks_are_refused_before_anything_else(ask, engine, upstream, counted):
    engine.listed["bad.example"] = blocked()
    for name in ("www.good.example", "www.bad.example", "resolver.arpa"):
        response = await ask(name, client="203.0.113.9", edns=True)
        assert (response.rcode, response.data, response.ede) == (5, [], [18])
    assert engine.asked == []
    assert upstream.asked == []
    assert counted("dns_events", event="outside_clients") == 3


@pytest.mark.parametrize("name", ["resolver.arpa", "_dns.resolver.arpa", "use-application-dns.net"])
async def test_protocol_switches_are_answered_here(ask, upstream, name):
    response = await ask(name, "SVCB", edns=True)
    assert response.data == []
    assert response.soa_ttls == [30]
    assert upstream.asked == []


@pytest.mark.parametrize("qclass", [3, 4, 254, 255, 0])
async def test_other_classes_are_refused(ask, upstream, qclass):
    assert (await ask("version.bind", "TXT", qclass=qclass)).rcode == 5
    assert upstream.asked == []


@pytest.mark.parametrize("qtype", ["AXFR", "IXFR", "OPT", "TSIG", 0, 254])
async def test_transfers_and_meta_types_are_not_implemented_yet_a_listed_name_is_blocked(ask, engine, qtype):
    assert (await ask("good.example", qtype)).rcode == 4
    engine.listed["good.example"] = blocked(Answer.NXDOMAIN)
    assert (await ask("good.example", qtype)).rcode == 3


async def test_without_recursion_the_cache_is_not_told(ask):
    await ask("www.good.example")
    assert (await ask("www.good.example", rd=0)).rcode == 5


async def test_a_large_answer_is_truncated_to_what_the_client_takes(ask, upstream):
    def large(query):
        reply = query.reply()
        reply.add_answer(*(RR.fromZone(f"www.good.example. 300 A 192.0.2.{n}")[0] for n in range(60)))
        return reply

    upstream.answer = large
    for options, limit, truncated in [
        ({}, 512, True),
        ({"edns": True, "payload": 100}, 512, True),
        ({"edns": True, "payload": 1100}, 1100, False),
        ({"edns": True, "payload": 65000}, 1232, False),
        ({"stream": True}, 65535, False),
    ]:
        response = await ask("www.good.example", **options)
        assert response.tc is truncated
        assert len(response.packet) <= limit
        assert len(response.data) == (0 if truncated else 60)
        assert response.edns is options.get("edns", False)


async def test_badvers_comes_with_opt(ask):
    response = await ask("www.good.example", version=1)
    assert response.rcode == 16


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 11, query("good.example")[:2] + b"\x80" + query("good.example")[3:]]
)
async def test_short_packets_and_responses_meet_silence(ask, packet):
    assert (await ask(packet)).silent


async def test_a_malformed_query_gets_a_format_error_and_is_counted(ask, counted):
    response = await ask(query("good.example")[:-1])
    assert response.rcode == 1
    assert counted("dns_events", event="malformed") == 1


async def test_no_upstream_means_servfail_with_an_extended_error(ask, upstream):
    await upstream.stop()
    response = await ask("www.good.example", edns=True)
    assert (response.rcode, response.ede) == (2, [23])
    assert not (await ask("www.good.example")).edns


async def test_a_listed_name_is_blocked_though_no_upstream_answers(ask, engine, upstream):
    await upstream.stop()
    engine.listed["bad.example"] = blocked()
    assert (await ask("www.bad.example")).data == ["192.0.2.80"]


@pytest.fixture
async def expired(ask, upstream, cache):
    """Cached answers that have expired, and no upstream to renew them."""
    await ask("www.good.example")
    await ask("alias.good.example")
    await upstream.stop()
    later = cache._clock() + 1000
    cache._clock = lambda: later


async def test_a_stale_answer_serves_when_no_upstream_does(ask, expired):
    response = await ask("www.good.example", edns=True)
    assert response.records == [("A", "192.0.2.1", 30)]
    assert response.ede == [3]


async def test_a_stale_answer_does_not_wait_longer_than_a_client_does(ask, upstream, cache, monkeypatch):
    monkeypatch.setattr("dns_resolver.resolver._STALE_AFTER_S", 0.01)
    await ask("www.good.example")
    later = cache._clock() + 1000
    cache._clock = lambda: later
    upstream.held.clear()
    response = await ask("www.good.example", edns=True)
    assert (response.data, response.ede) == (["192.0.2.1"], [3])


async def test_a_stale_answer_does_not_outlive_a_listing(ask, engine, expired):
    engine.listed["bad.example"] = blocked()
    assert (await ask("alias.good.example")).data == ["192.0.2.80"]


async def test_the_upstreams_servfail_is_passed_on(ask, upstream):
    def servfail(query):
        reply = query.reply()
        reply.header.rcode = 2
        return reply

    upstream.answer = servfail
    assert (await ask("www.good.example")).rcode == 2


async def test_a_bug_costs_one_answer_and_no_more(ask, engine, resolver, counted, monkeypatch):
    def broken(name, plane="dns", profile=None):
        raise ZeroDivisionError

    monkeypatch.setattr(engine, "decide_host", broken)
    assert (await ask("www.good.example")).silent
    monkeypatch.undo()
    pending = resolver.begin(query("www.good.example"), "127.0.0.1")
    assert isinstance(pending, Pending)
    monkeypatch.setattr(engine, "decide_host", broken)
    assert read(await resolver.finish(pending)).rcode == 2
    monkeypatch.undo()
    assert (await ask("www.good.example")).data == ["192.0.2.1"]
    assert counted("decision_faults", plane="dns") == 2


async def test_odd_labels_before_a_listed_name_do_not_hide_it(ask, engine, upstream):
    engine.listed["bad.example"] = blocked()
    for odd in (b"_sip", b"\x00\x01", b"a.b", b"%", b"xn--invalid"):
        assert (await ask([odd, b"bad", b"example"])).data == ["192.0.2.80"]
    assert upstream.asked == []


async def test_a_name_the_engine_cannot_read_is_forwarded(ask, upstream):
    upstream.answer = zone("xn--invalid. 60 A 192.0.2.7")
    assert (await ask("xn--invalid")).data == ["192.0.2.7"]


SCHOOL, LIBRARY, HOME = "127.0.1.5", "127.0.2.5", "127.0.3.5"


class TestProfiles:
    @pytest.fixture
    def profiles(self):
        return ClientProfiles([
            a_profile("schools", ["127.0.1.0/24"], ["games"]),
            a_profile("libraries", ["127.0.2.0/24"], ["games"]),
        ])  # fmt: skip

    @pytest.fixture(autouse=True)
    def _games(self, engine):
        engine.of_profile["schools"] = {"bad.example": blocked(list_id="games")}

    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_list_holds_for_the_clients_of_its_profile(self, ask, stream):
        assert (await ask("bad.example", client=SCHOOL, stream=stream)).data == ["192.0.2.80"]
        for client in (LIBRARY, HOME):
            answer = await ask("www.bad.example", client=client, stream=stream)
            assert answer.data == ["192.0.2.66"]
            assert (await ask("www.bad.example", client=SCHOOL, stream=stream)).data == ["192.0.2.80"]

    async def test_an_answer_is_kept_for_those_who_may_have_it(self, ask, upstream):
        for client, last in [(SCHOOL, "192.0.2.80"), (HOME, "192.0.2.66")] * 2:
            assert (await ask("alias.good.example", client=client)).data[-1] == last
        assert len(upstream.asked) == 1

    async def test_what_is_listed_for_everybody_is_kept_for_nobody(self, ask, engine, cache):
        engine.listed["bad.example"] = blocked()
        for client in (HOME, SCHOOL):
            assert (await ask("alias.good.example", client=client)).data == ["192.0.2.80"]
        assert len(cache) == 0

    async def test_clients_of_several_profiles_share_a_flight_and_are_judged_for_themselves(
        self, ask, upstream
    ):
        upstream.held.clear()
        asking = [
            asyncio.ensure_future(ask("alias.good.example", client=client))
            for client in (SCHOOL, LIBRARY, HOME, SCHOOL)
        ]
        await upstream.received.wait()
        upstream.held.set()
        answers = [(await each).data[-1] for each in asking]
        assert answers == ["192.0.2.80", "192.0.2.66", "192.0.2.66", "192.0.2.80"]
        assert len(upstream.asked) == 1

    async def test_an_old_answer_is_told_to_those_who_may_have_it(self, ask, expired):
        old = await ask("alias.good.example", client=HOME, edns=True)
        assert (old.data[-1], old.ede) == ("192.0.2.66", [3])
        assert (await ask("alias.good.example", client=SCHOOL)).data == ["192.0.2.80"]
