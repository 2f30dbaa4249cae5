"""DNS cookies (RFC 7873, RFC 9018): every client gets one, and whoever returns it has proven its address."""

import pytest
from dns_asking import query
from listing_engine import blocked

from cop_filter._native import Cookies
from dns_resolver.resolver import Pending
from dns_resolver.wire import read_query

CLIENT_COOKIE = b"12345678"
NOW_S = 1_700_000_000


@pytest.fixture
def clock(resolver):
    """The resolver's wall clock; set `clock.now_s`."""

    class Clock:
        now_s = NOW_S

        def __call__(self):
            return self.now_s

    resolver._wall_clock = Clock()
    return resolver._wall_clock


@pytest.fixture
def splash_at_short_name(engine):
    """Its IPv6 answer is more than twice its query."""
    engine.listed["a.test"] = blocked()
    return "a.test"


async def learned(ask, client="127.0.0.1", **options):
    response = await ask("resolver.arpa", client=client, cookie=CLIENT_COOKIE, **options)
    (cookie,) = response.cookies
    assert cookie.startswith(CLIENT_COOKIE)
    assert len(cookie) == 24
    return cookie


def test_the_published_vector_holds_in_python():
    cookies = Cookies(bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf"))
    learned_s = 1_559_731_985
    proven, answer = cookies.check(bytes.fromhex("2464c4abcf10c957"), "198.51.100.100", learned_s)
    assert not proven
    assert answer.hex() == "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
    assert cookies.check(answer, "198.51.100.100", learned_s + 60) == (True, answer)


@pytest.mark.parametrize("secret", [b"", b"0" * 15, b"0" * 17])
def test_a_secret_has_16_bytes(secret):
    with pytest.raises(ValueError, match="16 bytes"):
        Cookies(secret)


def test_what_is_no_address_has_no_cookie(cookies):
    with pytest.raises(ValueError, match="address"):
        cookies.check(CLIENT_COOKIE, "somewhere", NOW_S)


def test_an_address_may_name_its_scope(cookies):
    assert cookies.check(CLIENT_COOKIE, "fe80::1%eth0", NOW_S) == cookies.check(
        CLIENT_COOKIE, "fe80::1", NOW_S
    )


async def test_every_kind_of_reply_answers_the_cookie(ask, engine, upstream):
    engine.listed["bad.example"] = blocked()
    for name, options in [
        ("www.good.example", {}),
        ("www.good.example", {}),  # now from the cache
        ("bad.example", {}),
        ("resolver.arpa", {}),
        ("version.bind", {"qclass": 3}),
        ("good.example", {"qtype": "AXFR"}),
        ("www.good.example", {"stream": True}),
        ("www.good.example", {"client": "203.0.113.9"}),
    ]:
        response = await ask(name, cookie=CLIENT_COOKIE, **options)
        assert len(response.cookies) == 1
    await upstream.stop()
    assert (await ask("nothing.example", cookie=CLIENT_COOKIE)).cookies


async def test_who_sends_no_cookie_gets_none(ask):
    assert (await ask("www.good.example", edns=True)).cookies == []
    assert not (await ask("www.good.example")).edns


async def test_a_returned_cookie_proves_the_address(ask, clock, splash_at_short_name):
    for options in ({"cookie": CLIENT_COOKIE}, {"edns": True}):
        unproven = await ask(splash_at_short_name, "AAAA", **options)
        assert (unproven.tc, unproven.data) == (True, [])
    proven = await ask(splash_at_short_name, "AAAA", cookie=await learned(ask))
    assert (proven.tc, proven.data, proven.ede) == (False, ["2001:db8::80"], [15, 4])


async def test_a_cookie_is_proof_for_an_hour_and_given_anew_after_half_of_it(resolver, ask, clock):
    cookie = await learned(ask)
    for age_s, proven, same in [
        (0, True, True),
        (1799, True, True),
        (3600, True, False),
        (3601, False, False),
    ]:
        clock.now_s = NOW_S + age_s
        way = resolver._way(_request(cookie), "127.0.0.1", stream=False)
        assert (way.proven, way.cookie == cookie) == (proven, same)


async def test_a_stolen_cookie_proves_nothing(resolver, ask, clock):
    cookie = await learned(ask)
    assert resolver._way(_request(cookie), "127.0.0.1", stream=False).proven
    assert not resolver._way(_request(cookie), "127.0.0.2", stream=False).proven
    assert not resolver._way(_request(cookie[:-1] + b"\0\0"), "127.0.0.1", stream=False).proven


async def test_a_stream_proves_the_address(ask, splash_at_short_name):
    assert (await ask(splash_at_short_name, "AAAA", edns=True, stream=True)).data == ["2001:db8::80"]


async def test_workers_with_one_secret_accept_each_others_cookies(ask, resolver, clock, cookies):
    assert cookies.check(await learned(ask), "127.0.0.1", NOW_S)[0]
    assert not Cookies(b"fedcba9876543210").check(await learned(ask), "127.0.0.1", NOW_S)[0]


async def test_a_query_that_waits_for_an_upstream_keeps_its_cookie(resolver, clock):
    pending = resolver.begin(query("www.good.example", cookie=CLIENT_COOKIE), "127.0.0.1")
    assert isinstance(pending, Pending)
    assert pending.way.cookie.startswith(CLIENT_COOKIE)


def _request(cookie):
    return read_query(query("good.example", cookie=cookie))
