"""Which hosts a request names, and what follows; each attack by its name."""

import pytest
from fake_engine import FakeEngine
from hypothesis import given
from hypothesis import strategies as st

from addons.decision import Asked, decide_connection, decide_request, host_part, hosts_of, inspects
from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action, Plane

LISTED = {"hosts": {"bad.example"}, "urls": {"pages.example/bad.html", "127.0.0.1/bad.html"}}


def ask(*authorities, path=b"/", tunnel=None, scheme=b"http"):
    return Asked(scheme, path, authorities, tunnel)


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        (ask(b"bad.example"), Action.BLOCK),
        (ask(b"deep.bad.example:8080"), Action.BLOCK),
        (ask(b"pages.example", path=b"/bad.html"), Action.BLOCK),
        (ask(b"pages.example", path=b"/good.html"), Action.ALLOW),
        (ask(b"pages.example", path=b"/"), Action.ALLOW),
        (ask(b"other.example", path=b"/bad.html"), Action.ALLOW),
        (ask(b"notbad.example"), Action.ALLOW),
        (ask(tunnel=b"pages.example", path=b"/bad.html"), Action.BLOCK),
    ],
)
def test_what_is_listed_is_blocked_and_nothing_else(asked, action):
    assert decide_request(FakeEngine(**LISTED), asked).action is action


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (b"BAD.example", b"/"),
        (b"b%61d.example", b"/"),
        (b"bad.example.", b"/"),
        (b"bad.example:80", b"/"),
        (b"bad.example:", b"/"),
        (b"\xef\xbd\x82\xef\xbd\x81\xef\xbd\x84.example", b"/"),  # full-width letters
        (b"pages.example", b"/%62ad.html"),
        (b"pages.example", b"/%2562ad.html"),
        (b"pages.example", b"//bad.html"),
        (b"pages.example", b"/./bad.html"),
        (b"pages.example", b"/x/../bad.html"),
        (b"pages.example", b"/x/%2e%2e/bad.html"),
        (b"pages.example", b"/x\\..\\bad.html"),
        (b"pages.example", b"/bad.html#top"),
        (b"pages.example", b"/bad.html?"),
        (b"0x7f.1", b"/bad.html"),
        (b"2130706433", b"/bad.html"),
        (b"[::ffff:127.0.0.1]", b"/bad.html"),
    ],
)
def test_encoded_spelling_attack_meets_the_same_verdict(host, path):
    assert decide_request(FakeEngine(**LISTED), ask(host, path=path)).stops


@pytest.mark.parametrize(
    "target",
    [b"http://pages.example/bad.html", b"bad.html", b"", b"?/bad.html", b"\\bad.html", b"/bad.html HTTP/1.0",
     b"/ /bad.html", b"/bad\t.html", b"/good.html\r\nHost: bad.example", b"/bad.html\x00", b"/bad.html\x7f"],
)  # fmt: skip
def test_target_that_an_http1_origin_reads_otherwise_attack_is_refused(target):
    with pytest.raises(InvalidUrl):
        decide_request(FakeEngine(**LISTED), ask(b"pages.example", path=target))


@pytest.mark.parametrize(
    "asked",
    [
        ask(b"good.example", b"bad.example"),
        ask(b"good.example", b"also-good.example"),
        ask(b"bad.example", tunnel=b"good.example"),
        ask(b"good.example", tunnel=b"bad.example"),
        ask(b"good.example", b"bad.example", tunnel=b"192.0.2.1"),
        ask(b"bad.example", b"192.0.2.1"),
        ask(),
        ask(b""),
    ],
    ids=["two", "two-unlisted", "in-tunnel", "tunnel", "sni-vs-host", "address-vs-host", "none", "empty"],
)
def test_host_confusion_attack_is_refused(asked):
    with pytest.raises(InvalidUrl):
        decide_request(FakeEngine(**LISTED), asked)


@pytest.mark.parametrize(
    "authority",
    [
        b"user@bad.example",
        b"good.example/@bad.example",
        b"good.example#bad.example",
        b"good.example?bad.example",
        b"good.example\\bad.example",
        b"good.example bad.example",
        b"good.example:80:80",
        b"good.example:x",
        b"[::1",
        b"[::1]x",
    ],
)
def test_userinfo_and_delimiter_attack_is_refused(authority):
    with pytest.raises(InvalidUrl):
        decide_request(FakeEngine(), ask(authority))


def test_the_same_host_may_be_spelled_in_several_ways():
    asked = ask(b"GOOD.example:443", b"good.example", tunnel=b"good.example.")
    assert decide_request(FakeEngine(), asked).action is Action.ALLOW


def test_tunnel_to_an_address_leaves_the_name_to_the_request_and_both_are_checked():
    engine = FakeEngine(**LISTED)
    assert decide_request(engine, ask(b"good.example", tunnel=b"192.0.2.1")).action is Action.ALLOW
    assert decide_request(engine, ask(b"bad.example", tunnel=b"192.0.2.1")).stops
    assert decide_request(engine, ask(b"good.example", tunnel=b"127.0.0.1", path=b"/bad.html")).stops
    assert decide_request(engine, ask(b"good.example", tunnel=b"2001:db8::1")).action is Action.ALLOW


def test_options_of_a_whole_server_is_asked_as_its_root():
    engine = FakeEngine()
    decide_request(engine, ask(b"good.example", path=b"*"))
    assert engine.asked == [("http", "good.example/")]


def test_a_dry_run_hit_passes_and_is_told():
    verdict = decide_request(FakeEngine(watched={"trial.example"}), ask(b"trial.example"))
    assert verdict.action is Action.OBSERVE


@pytest.mark.parametrize("plane", [Plane.TLS, Plane.HTTP])
def test_a_tunnel_is_stopped_by_a_listed_host_on_either_plane(plane):
    engine = FakeEngine(hosts={"bad.example"}, planes=(plane,))
    assert decide_connection(engine, [b"good.example", b"www.bad.example"]).stops
    assert not decide_connection(engine, [b"good.example"]).stops


def test_a_tunnel_is_not_stopped_for_a_page():
    engine = FakeEngine(urls={"pages.example/bad.html"})
    assert not decide_connection(engine, [b"pages.example"]).stops
    assert inspects(engine, [b"192.0.2.1", b"pages.example"])
    assert not inspects(engine, [b"good.example"])


@given(st.binary(max_size=40))
def test_any_authority_is_a_host_or_refused(authority):
    try:
        host = host_part(authority)
    except InvalidUrl:
        return
    assert host in authority
    assert not set(host) & set(b"/?#@\\ \t\r\n")


@given(st.lists(st.binary(max_size=20), max_size=3), st.none() | st.binary(max_size=20))
def test_a_request_never_names_two_sites(authorities, tunnel):
    try:
        hosts = hosts_of(Asked(b"http", b"/", authorities, tunnel))
    except InvalidUrl:
        return
    assert 1 <= len(hosts) <= 2
