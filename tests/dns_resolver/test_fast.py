"""The fast path on real sockets: what it answers itself, what it hands up, and what it learns."""

import asyncio
import socket
import struct
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from dns_asking import query, read, until
from dnslib import DNSRecord
from generations import a_list, a_profile
from listed_names import ListedNames
from loopback_upstream import zone

from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Answer as BlockAnswer
from cop_filter.verdict import LegalBasis
from dns_resolver.fast import FastPathEnded
from dns_resolver.forwarder import Forwarder
from dns_resolver.wire import TYPE_A

SPLASH = "192.0.2.80"


@pytest.fixture
def wall():
    """The wall clock of the engine, to be moved by a test."""
    return [time.time()]


@pytest.fixture
def names(tmp_path, wall):
    """Lists with `bad.example` on them; `names.publish(...)` swaps."""
    lists = (a_list(), a_list("refusing", answer=BlockAnswer.REFUSED), a_list("trial", mode="observe"))
    names = ListedNames(tmp_path / "state", *lists, clock=lambda: wall[0])
    names.publish(national=["bad.example"], refusing=["refused.example"], trial=["seen.example"])
    return names


@pytest.fixture
def engine(names):
    return names.engine


@pytest.fixture
def client():
    """Open client sockets that are closed with the test."""
    opened = []

    def open_client(host="127.0.0.1"):
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind((host, 0))
        opened.append(sock)
        return sock

    yield open_client
    for sock in opened:
        sock.close()


async def receive(sock):
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recvfrom(sock, 4096)


async def exchange(sock, packet, address):
    sock.sendto(packet, tuple(address))
    return await receive(sock)


async def asked(sock, name, address, **options):
    packet, _ = await exchange(sock, query(name, **options), address)
    return read(packet)


async def collected(listener, condition):
    """Wait until the counters, which are brought from time to time, fulfil a condition."""
    running = asyncio.ensure_future(listener.run())
    try:
        await until(condition)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.parametrize(("host", "asked_at"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1")])
async def test_queries_are_answered_over_both_families(listen, client, host, asked_at):
    _, address = listen(host)
    for name, data in (("www.good.example", "192.0.2.1"), ("www.bad.example", SPLASH)):
        packet, peer = await exchange(client(asked_at), query(name), (asked_at, address.port))
        assert read(packet).data == [data]
        assert peer[:2] == (asked_at, address.port)


@pytest.mark.parametrize(("host", "asked_at"), [("0.0.0.0", "127.0.0.3"), ("::", "::1")])
async def test_on_a_wildcard_address_the_answer_comes_from_where_the_query_went(
    listen, client, host, asked_at
):
    _, address = listen(host)
    sock = client("::1" if ":" in host else "127.0.0.1")
    # From Python, from the upstream, from the cache, and from what was learned.
    for name in ("bad.example", "www.good.example", "www.good.example", "bad.example"):
        _, peer = await exchange(sock, query(name), (asked_at, address.port))
        assert peer[:2] == (asked_at, address.port)


async def test_python_is_asked_once_what_matches_mean(listen, client, counted):
    listener, address = listen()
    sock = client()
    for _ in range(50):
        assert (await asked(sock, "www.bad.example", address)).data == [SPLASH]
    await listener.stop(1.0)
    assert counted("dns_events", event="handed_up") == 1
    assert counted("decisions", plane="dns", action="block", list="national") == 50


async def test_each_query_type_and_list_has_its_own_answer(listen, client):
    _, address = listen()
    sock = client()
    for _ in range(2):
        assert (await asked(sock, "bad.example", address, qtype="AAAA")).data == ["2001:db8::80"]
        assert (await asked(sock, "bad.example", address, qtype="TXT")).data == []
        assert (await asked(sock, "refused.example", address)).rcode == 5
        assert (await asked(sock, "resolver.arpa", address)).rcode == 0
        assert (await asked(sock, "x.use-application-dns.net", address)).rcode == 3


async def test_a_name_that_becomes_listed_is_blocked_though_its_answer_is_cached(listen, client, names):
    listener, address = listen()
    sock = client()
    assert (await asked(sock, "www.good.example", address)).data == ["192.0.2.1"]
    assert (await asked(sock, "www.good.example", address)).data == ["192.0.2.1"]
    names.publish(national=["bad.example", "good.example"])
    listener.install()
    for _ in range(2):
        assert (await asked(sock, "www.good.example", address)).data == [SPLASH]
    names.publish(national=["bad.example"])
    listener.install()
    for _ in range(2):
        assert (await asked(sock, "www.good.example", address)).data == ["192.0.2.1"]


async def test_an_answer_that_leads_to_a_listed_name_is_blocked_even_from_the_cache(
    listen, client, names, upstream, counted
):
    listener, address = listen()
    sock = client()
    for _ in range(3):
        assert (await asked(sock, "alias.good.example", address)).data == [SPLASH]
    names.publish(national=["other.example"])
    listener.install()
    for _ in range(2):
        assert "192.0.2.66" in (await asked(sock, "alias.good.example", address)).data
    names.publish(national=["bad.example"])
    listener.install()
    for _ in range(2):
        assert (await asked(sock, "alias.good.example", address)).data == [SPLASH]


async def test_a_name_that_is_only_observed_passes_and_is_counted(listen, client, upstream, counted):
    upstream.answer = zone("seen.example. 300 A 192.0.2.9\nto.example. 300 CNAME x.seen.example.")
    listener, address = listen()
    sock = client()
    for _ in range(3):
        assert (await asked(sock, "seen.example", address)).data == ["192.0.2.9"]
        assert len((await asked(sock, "to.example", address)).records) == 1
    await listener.stop(1.0)
    assert counted("decisions", plane="dns", action="observe", list="trial") == 6


async def test_cached_answers_count_down_and_keep_do_and_cd_apart(listen, client, upstream):
    _, address = listen()
    sock = client()
    for options in ({}, {"do": True}, {"cd": 1}, {"do": True, "cd": 1}):
        for _ in range(2):
            answer = await asked(sock, "www.good.example", address, **options)
            assert answer.records == [("A", "192.0.2.1", 300)]
            assert answer.do == options.get("do", False)
    assert len(upstream.asked) == 4


async def test_the_case_of_the_question_is_echoed_and_makes_no_other_question(listen, client, upstream):
    _, address = listen()
    sock = client()
    for name in ("WWW.good.EXAMPLE", "www.GOOD.example", "BAD.example"):
        packet, _ = await exchange(sock, query(name), address)
        assert str(DNSRecord.parse(packet).q.qname) == f"{name}."
    assert len(upstream.asked) == 1


async def test_equal_questions_in_flight_share_one_upstream_query(listen, client, upstream):
    _, address = listen(patience_s=5.0)
    upstream.held.clear()
    sock = client()
    for number in range(100):
        sock.sendto(query("www.good.example", id_=number), tuple(address))
    await upstream.received.wait()
    upstream.held.set()
    ids = {read((await receive(sock))[0]).id for _ in range(100)}
    assert ids == set(range(100))
    assert len(upstream.asked) == 1


async def test_waiting_for_an_upstream_does_not_hold_up_others(listen, client, upstream):
    _, address = listen(patience_s=5.0)
    upstream.held.clear()
    sock = client()
    sock.sendto(query("www.good.example", id_=1), tuple(address))
    await upstream.received.wait()
    assert (await asked(sock, "bad.example", address, id_=2)).id == 2
    upstream.held.set()
    assert read((await receive(sock))[0]).id == 1


async def test_forged_responses_are_passed_over(listen, client, upstream):
    good = zone("www.good.example. 300 A 192.0.2.1")

    def among_forgeries(query_):
        right = bytes(good(query_).pack())
        other_id = struct.pack("!H", query_.header.id ^ 1) + right[2:]
        other_name = right.replace(b"\x04good", b"\x04evil")
        no_response = right[:2] + bytes([right[2] & 0x7F]) + right[3:]
        return [other_id, other_name, no_response, right[:1], b"", right]

    upstream.answer = among_forgeries
    _, address = listen(patience_s=5.0)
    assert (await asked(client(), "www.good.example", address)).data == ["192.0.2.1"]


async def test_upstream_queries_leave_from_many_ports(listen, client, upstream):
    _, address = listen()
    sock = client()
    for number in range(200):
        await asked(sock, f"n{number}.good.example", address)
    assert len(set(upstream.ports)) > 30


async def test_a_truncated_answer_is_fetched_over_tcp_by_python(listen, client, upstream):
    full = upstream.answer

    def truncated(query_):
        reply = full(query_)
        reply.rr, reply.header.tc = [], 1
        return reply

    upstream.answer, upstream.tcp_answer = truncated, full
    _, address = listen()
    sock = client()
    for _ in range(2):
        assert (await asked(sock, "www.good.example", address)).data == ["192.0.2.1"]
    assert [transport for *_, transport in upstream.asked] == ["udp", "udp", "tcp"]


@pytest.fixture
async def second(start_upstream):
    return await start_upstream(zone("www.good.example. 300 A 192.0.2.2\nb.example. 300 A 192.0.2.2"))


@pytest.fixture
def forwarder(upstream, second, events):
    return Forwarder([upstream.address, second.address], events, timeout_s=0.2, payload_bytes=1232)


@pytest.mark.parametrize("trouble", ["silent", "servfail", "gone", "garbage"])
async def test_an_upstream_in_trouble_is_replaced_by_the_next(listen, client, upstream, trouble):
    def servfail(query_):
        reply = query_.reply(aa=0)
        reply.header.rcode = 2
        return reply

    def garbage(query_):
        return bytes(query_.reply(aa=0).pack()) + b"\0\1\2"

    if trouble == "gone":
        await upstream.stop()
    upstream.answer = {"servfail": servfail, "garbage": garbage}.get(trouble, lambda _: None)
    _, address = listen(patience_s=0.1)
    assert (await asked(client(), "www.good.example", address)).data == ["192.0.2.2"]


async def test_the_native_thread_asks_the_upstream_that_python_finds_up(
    listen, client, upstream, second, forwarder
):
    upstream.answer = lambda _: None
    _, address = listen(patience_s=0.1)
    health = asyncio.ensure_future(forwarder.watch_health(0.05))
    sock = client()
    assert (await asked(sock, "www.good.example", address)).data == ["192.0.2.2"]
    await until(lambda: not forwarder.is_up(0))
    asked_before = len(upstream.asked)
    assert (await asked(sock, "b.example", address)).data == ["192.0.2.2"]
    assert [name for name, *_ in upstream.asked[asked_before:] if name] == []
    health.cancel()


async def test_an_old_answer_serves_while_upstreams_are_silent_unless_it_is_listed_now(
    listen, client, upstream, second, names
):
    upstream.answer = second.answer = zone("short.example. 1 A 192.0.2.7")
    listener, address = listen(patience_s=0.05)
    sock = client()
    assert (await asked(sock, "short.example", address)).data == ["192.0.2.7"]
    upstream.answer = second.answer = lambda _: None
    for _ in range(100):
        if 3 in (await asked(sock, "short.example", address, edns=True)).ede:
            break
        await asyncio.sleep(0.05)  # its lifetime is one second
    else:
        pytest.fail("no old answer came")
    names.publish(national=["short.example"])
    listener.install()
    assert (await asked(sock, "short.example", address)).data == [SPLASH]


async def test_beyond_the_limit_of_waiting_queries_the_answer_is_servfail(
    listen, client, upstream, second, counted
):
    listener, address = listen(max_pending=1, patience_s=0.01)
    upstream.held.clear()
    second.held.clear()
    sock = client()
    sock.sendto(query("www.good.example"), tuple(address))
    await until(lambda: listener.pending == 1)
    assert (await asked(sock, "pages.example", address)).rcode == 2
    assert counted("dns_events", event="overload") == 1
    upstream.held.set()


async def test_stopping_answers_what_has_arrived_and_what_waits(listen, client, upstream):
    listener, address = listen(patience_s=5.0)
    upstream.held.clear()
    sock = client()
    sock.sendto(query("www.good.example", id_=1), tuple(address))
    await upstream.received.wait()
    sock.sendto(query("bad.example", id_=2), tuple(address))
    stopping = asyncio.ensure_future(listener.stop(5.0))
    assert read((await receive(sock))[0]).id == 2
    upstream.held.set()
    assert read((await receive(sock))[0]).id == 1
    await stopping


async def test_stopping_gives_up_on_an_upstream_after_the_grace_time(listen, client, upstream):
    listener, address = listen(patience_s=5.0)
    upstream.held.clear()
    client().sendto(query("www.good.example"), tuple(address))
    await upstream.received.wait()
    await listener.stop(0.01)
    assert listener.pending == 0


async def test_clients_outside_the_networks_are_refused_before_anything_else(listen, client, counted):
    listener, address = listen(clients=(ip_network("127.0.0.2/32"),))
    refused = await asked(client(), "www.good.example", address, edns=True)
    assert (refused.rcode, refused.ede) == (5, [18])
    assert (await asked(client("127.0.0.2"), "www.good.example", address)).data == ["192.0.2.1"]
    await listener.stop(1.0)
    assert counted("dns_events", event="outside_clients") == 1
    assert counted("dns_events", event="handed_up") == 0


async def test_a_network_over_its_limit_is_sent_to_tcp_and_others_are_not(listen, client, counted):
    listener, address = listen(rate_limit=10, slip=2)
    sock, other = client("127.0.0.1"), client("127.0.1.1")
    await asked(sock, "bad.example", address)
    for number in range(100):
        sock.sendto(query("bad.example", id_=number), tuple(address))
    assert (await asked(other, "bad.example", address)).data == [SPLASH]
    await collected(listener, lambda: counted("dns_events", event="rate_limited") >= 70)
    whole, slipped = 0, 0
    with suppress(BlockingIOError):
        while True:
            answer = read(sock.recv(4096))
            slipped += answer.tc
            whole += not answer.tc
            assert answer.data == [] if answer.tc else [SPLASH]
    assert whole <= 20
    assert 0 < slipped <= 20


async def test_a_client_with_a_valid_cookie_is_not_limited(listen, client, cookies):
    _, address = listen(rate_limit=10)
    _, cookie = cookies.check(b"\1" * 8, "127.0.0.1", int(time.time()))
    option = struct.pack("!HH", 10, len(cookie)) + cookie
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option
    plain = query("bad.example")
    with_cookie = plain[:10] + b"\0\1" + plain[12:] + opt
    sock = client()
    for _ in range(50):
        assert read((await exchange(sock, with_cookie, address))[0]).data == [SPLASH]


async def test_an_exemption_that_ends_ends_for_the_fast_path_too(listen, client, names, wall, counted):
    """The thread's own clock is behind the end all the time: it tells nothing that no longer stands."""
    names.exempt("good.bad.example", until=datetime.now(UTC).date() - timedelta(days=2))
    wall[0] = time.time() - 30 * 86_400
    names.publish()
    listener, address = listen()
    sock = client()
    for _ in range(3):
        assert (await asked(sock, "good.bad.example", address)).rcode == 3
    wall[0] = time.time()
    for _ in range(3):
        assert (await asked(sock, "good.bad.example", address)).data == [SPLASH]
    await listener.stop(1.0)
    assert counted("dns_events", event="handed_up") == 5


async def test_a_verdict_of_the_fail_policy_is_not_learned(listen, client, engine, monkeypatch, counted):
    listener, address = listen()

    def broken(codes, plane, profile):
        raise RuntimeError

    sock = client()
    with monkeypatch.context() as patched:
        patched.setattr(engine._decider, "verdict", broken)
        assert (await asked(sock, "seen.example", address)).data == [SPLASH]
    for _ in range(3):
        assert (await asked(sock, "seen.example", address)).rcode == 3
    await listener.stop(1.0)
    assert counted("dns_events", event="handed_up") == 2


async def test_what_was_taught_for_an_earlier_generation_is_ignored(listen, client, names, answers):
    listener, address = listen()
    assert (await asked(client(), "bad.example", address)).data == [SPLASH]
    old = listener._serial
    listener.install()
    (codes, *_), *_ = listener._native.learned()
    listener._native.learn(old, [(codes, TYPE_A, 0, 0, "block", answers.nxdomain(), None)])
    assert (await asked(client(), "bad.example", address)).data == [SPLASH]


async def test_what_was_learned_is_told_anew_for_the_next_generation(listen, client, names, counted):
    listener, address = listen()
    sock = client()
    await asked(sock, "bad.example", address)
    names.publish(national=["bad.example", "good.example"])
    listener.install()
    assert (await asked(sock, "good.example", address)).data == [SPLASH]
    names.config = replace(names.config, lists=names.config.lists[1:])
    names.publish(refusing=["bad.example"])
    listener.install()
    assert (await asked(sock, "bad.example", address)).rcode == 5
    await listener.stop(1.0)
    assert counted("dns_events", event="handed_up") == 1


async def test_a_bug_costs_one_answer_and_not_those_behind_it(listen, client, monkeypatch, counted):
    listener, address = listen()
    sock = client()

    def broken(wanted):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(listener, "teach", broken)
        sock.sendto(query("bad.example", id_=1), tuple(address))
        assert (await asked(sock, "good.example", address, qclass=3, id_=2)).id == 2
    assert (await asked(sock, "bad.example", address)).data == [SPLASH]
    assert counted("decision_faults", plane="dns") == 1


async def test_a_thread_that_ends_by_itself_ends_the_listener(listen):
    listener, _ = listen()
    listener._native.stop()
    with pytest.raises(FastPathEnded):
        await listener.run()


async def test_counters_latencies_and_the_cache_are_reported(listen, client, counted, registry):
    listener, address = listen()
    sock = client()
    for _ in range(10):
        await asked(sock, "www.good.example", address)
        await asked(sock, "bad.example", address)
    await collected(listener, lambda: counted("dns_events", event="cache_hit") == 9)
    assert counted("dns_events", event="forwarded") == 1
    assert counted("upstream_queries", upstream="0", result="answered") == 1
    assert counted("decisions", plane="dns", action="allow", list="") == 10
    assert counted("dns_latency_seconds_bucket", path="fast", le="+Inf") == 18
    assert counted("dns_latency_seconds_bucket", path="forwarded", le="+Inf") == 1
    assert registry.get_sample_value("cop_filter_dns_cache_answers") == 1


async def test_one_network_cannot_fill_the_queue_to_python(listen, client, counted):
    listener, address = listen()
    flooder = client()
    odd = query("www.good.example", qclass=3)
    for _ in range(8000):
        with suppress(BlockingIOError):
            flooder.sendto(odd, tuple(address))
    assert (await asked(client("127.0.1.1"), "good.example", address, qclass=3)).rcode == 5
    await collected(listener, lambda: counted("dns_events", event="handed_up") >= 1000)


async def test_a_flood_of_random_names_of_one_network_leaves_room_for_the_others(
    listen, client, upstream, second, counted
):
    listener, address = listen(patience_s=60.0)
    friend = client("127.0.1.1")
    assert (await asked(friend, "www.good.example", address)).data == ["192.0.2.1"]
    upstream.held.clear()
    flooder = client("127.0.9.1")
    for number in range(100):
        for place in range(60):
            flooder.sendto(query(f"x{number}-{place}.good.example"), tuple(address))
        # The receive buffer holds some hundred datagrams: each round waits for its turn.
        assert (await asked(friend, "www.good.example", address)).data == ["192.0.2.1"]
        assert (await asked(friend, "bad.example", address)).data == [SPLASH]
    await collected(listener, lambda: counted("dns_events", event="no_room") > 1000)
    assert counted("dns_events", event="forwarded") <= 4097
    friend.sendto(query("pages.example"), tuple(address))
    await collected(listener, lambda: counted("dns_events", event="cache_hit") == 100)
    upstream.held.set()
    assert read((await receive(friend))[0]).data == ["192.0.2.3"]


SCHOOL, LIBRARY, HOME = "127.0.1.5", "127.0.2.5", "127.0.3.5"
PROFILES = (
    a_profile("schools", ["127.0.1.0/24"], ["games"]),
    a_profile("libraries", ["127.0.2.0/24"], ["shops"]),
)


class TestProfiles:
    """`game.example` is listed for schools, `shop.example` for libraries, `bad.example` for everybody."""

    @pytest.fixture
    def names(self, tmp_path):
        chosen = {"legal_basis": LegalBasis.SUBSCRIBER, "answer": BlockAnswer.NODATA}
        lists = (a_list(), a_list("games", **chosen), a_list("shops", **chosen))
        names = ListedNames(tmp_path / "state", *lists, profiles=PROFILES)
        names.publish(national=["bad.example"], games=["game.example"], shops=["shop.example"])
        return names

    @pytest.fixture
    def profiles(self):
        return ClientProfiles(PROFILES)

    @pytest.fixture(autouse=True)
    def _games(self, upstream):
        upstream.answer = zone(
            "game.example. 300 A 192.0.2.7\nshop.example. 300 A 192.0.2.7\nfree.example. 300 A 192.0.2.7\n"
            "alias.example. 300 CNAME game.example."
        )

    @pytest.fixture
    async def told(self, listen, client):
        """What each client is told, by its place: school, library, home."""
        _, address = listen()
        socks = [client(host) for host in (SCHOOL, LIBRARY, HOME)]

        async def told(name):
            return [bool((await asked(sock, name, address)).data) for sock in socks]

        return told

    async def test_each_client_is_told_what_its_profile_may_have(self, told, upstream):
        for _ in range(3):
            assert await told("game.example") == [False, True, True]
            assert await told("shop.example") == [True, False, True]
            assert await told("free.example") == [True, True, True]
        assert len(upstream.asked) == 3

    async def test_what_leads_to_a_listed_name_is_told_to_the_others(self, told, upstream):
        for _ in range(3):
            assert await told("alias.example") == [False, True, True]

    async def test_a_list_for_everybody_holds_in_every_profile(self, listen, client):
        _, address = listen()
        for host in (SCHOOL, LIBRARY, HOME):
            for _ in range(2):
                assert (await asked(client(host), "bad.example", address)).data == [SPLASH]

    async def test_cached_answers_of_unlisted_names_are_judged_once_for_all(self, listen, client, counted):
        listener, address = listen()
        for host in (HOME, SCHOOL, LIBRARY) * 2:
            await asked(client(host), "free.example", address)
        await listener.stop(1.0)
        assert counted("dns_events", event="cache_hit") == 5
        assert counted("dns_events", event="handed_up") == 0

    async def test_clients_of_several_profiles_share_a_flight_and_are_judged_for_themselves(
        self, listen, client, upstream, counted
    ):
        listener, address = listen(patience_s=5.0)
        socks = {host: client(host) for host in (SCHOOL, HOME, LIBRARY)}
        for sock in socks.values():  # so that the thread knows what the alias leads to
            await asked(sock, "game.example", address)
        asked_before = len(upstream.asked)
        upstream.received.clear()
        upstream.held.clear()
        hosts = (SCHOOL, HOME, LIBRARY, SCHOOL, HOME)
        for number, host in enumerate(hosts):
            socks[host].sendto(query("alias.example", id_=number), tuple(address))
        await upstream.received.wait()
        upstream.held.set()
        told = {}
        for host in hosts:
            answer = read((await receive(socks[host]))[0])
            told[answer.id] = bool(answer.data)
        assert told == {number: host != SCHOOL for number, host in enumerate(hosts)}
        await listener.stop(1.0)
        assert counted("dns_events", event="handed_up") == 3 + 2
        assert len(upstream.asked) == asked_before + 1

    async def test_a_profile_that_the_generation_does_not_know_is_everyone_else(self, listen, client, names):
        listener, address = listen()
        school, home = client(SCHOOL), client(HOME)
        assert not (await asked(school, "game.example", address)).data
        assert (await asked(home, "game.example", address)).data
        names.config = replace(names.config, profiles=PROFILES[1:])
        names.publish()
        listener.install()
        for sock in (school, home):  # no profile names the list any more: it holds for everybody
            for name in ("game.example", "bad.example"):
                answer = await asked(sock, name, address)
                assert answer.data == ([SPLASH] if name == "bad.example" else [])
        assert (await asked(school, "shop.example", address)).data
        assert not (await asked(client(LIBRARY), "shop.example", address)).data
