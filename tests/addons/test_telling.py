"""The proxy is no oracle: what one client network learns of confidential lists by asking it."""

import random
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from fake_engine import CountedEvents
from generations import a_config, a_list, publish
from mitmproxy import connection, http
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.test import tflow

import cop_filter
from addons.gate import Gate
from addons.mitmproxy_addon import CopFilter
from addons.reach import Reach
from cop_filter import compiler
from cop_filter.access import AccessList
from cop_filter.config import OracleConfig
from cop_filter.entries import parse, parse_as
from cop_filter.oracle import OracleBudget
from cop_filter.store import Store
from cop_filter.verdict import LegalBasis

BUDGET = 10
HOME, SAME_HOME, NEIGHBOUR = "198.51.100.7", "198.51.100.200", "203.0.113.7"
HOSTS = [f"bad{number:03}.example" for number in range(60)]
PAGES = [f"http://site{number:03}.example/dir/page.html" for number in range(60)]
GAMES = [f"game{number:03}.example" for number in range(60)]
HELPLINE = "hotline.example"  # of the operator's configuration, and so protected
REACH = Reach(AccessList([ip_network("198.51.100.0/24"), ip_network("203.0.113.0/24")]), frozenset(),
              lambda _: False)  # fmt: skip


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory):
    state_dir = tmp_path_factory.mktemp("state")
    config = a_config(state_dir, a_list(), a_list("chosen", legal_basis=LegalBasis.SUBSCRIBER))
    publish(config, national=[*HOSTS, *PAGES, "https://isp.example/listed"], chosen=GAMES)
    return state_dir


@pytest.fixture
def engine(state_dir):
    return cop_filter.open(state_dir)


@pytest.fixture
def gate(engine):
    events = CountedEvents()
    oracle = OracleBudget(OracleConfig(BUDGET, 1e9), events.http)
    return Gate(engine, a_config("unused").operator, events, REACH, oracle=oracle)


@pytest.fixture
def asking(gate):
    return Asking(CopFilter(gate))


class Asking:
    """What a client sees of the answers to its requests, tunnels and handshakes; None: it is let through."""

    def __init__(self, addon):
        self._addon = addon

    def request(self, url, client=HOME, headers=()):
        flow = _flow(client)
        flow.request = http.Request.make("GET", url, b"")
        flow.request.headers = http.Headers(headers)
        self._addon.requestheaders(flow)
        return _seen(flow)

    def tunnel(self, host, client=HOME):
        flow = _flow(client)
        flow.request = http.Request.make("CONNECT", f"https://{host}/")
        flow.request.data.host, flow.request.data.port = host, 443
        flow.request.headers = http.Headers([(b"Host", f"{host}:443".encode())])
        self._addon.http_connect(flow)
        return _seen(flow)

    def handshake(self, host, client=HOME, target="192.0.2.1"):
        context = Context(tflow.tclient_conn(), Options())
        context.client.peername = (client, 40000)
        context.server = connection.Server(address=(target, 443))
        data = SimpleNamespace(
            context=context,
            client_hello=SimpleNamespace(sni=host, extensions=[(0, b"")]),
            ignore_connection=False,
        )
        self._addon.tls_clienthello(data)
        return context.client.error, data.ignore_connection


def _flow(client):
    flow = tflow.tflow(server_conn=connection.Server(address=None))
    flow.client_conn.peername = (client, 40000)
    return flow


def _seen(flow):
    response = flow.response
    return response and (response.status_code, response.headers.fields, response.raw_content)


UNTOUCHED = (None, True)
"""TLS that passes as it is."""


def is_plain(seen):
    """403 and nothing else: no page, no reason, no reference."""
    status, fields, body = seen
    names = {name.lower() for name, _ in fields}
    return status == 403 and body == b"" and names <= {b"cache-control", b"content-length", b"connection"}


def spend(asking, hosts=HOSTS[:BUDGET]):
    for host in hosts:
        assert asking.request(f"http://{host}/")[0] == 451


def learned(names, ask):
    """Those whose answers differ from what an unlisted name gets right before: so a refusal that would begin
    with a listed name's own question teaches too."""
    controls = (f"no{number:04}.example" for number in range(10_000))
    return {name for name in names if ask(next(controls)) != ask(name)}


def dictionary(listed):
    names = [*listed, *(f"fine{number:03}.example" for number in range(60))]
    random.Random(2009).shuffle(names)
    return names


def test_acma_2009_an_enumerator_with_the_whole_list_learns_at_most_the_budget_by_requests(asking):
    found = learned(dictionary(HOSTS), lambda name: asking.request(f"http://{name}/"))
    assert len(found) == BUDGET
    assert found <= set(HOSTS)


def test_bpjm_2014_listed_pages_are_told_up_to_the_budget_like_hosts(asking):
    urls = dictionary([url.removeprefix("http://") for url in PAGES])
    assert len(learned(urls, lambda url: asking.request(f"http://{url}"))) == BUDGET


def test_tunnels_teach_no_more(asking):
    assert len(learned(dictionary(HOSTS), asking.tunnel)) == BUDGET


def test_handshakes_teach_no_more(asking):
    assert len(learned(dictionary(HOSTS), asking.handshake)) == BUDGET


def test_being_decrypted_tells_that_a_host_has_listed_pages_and_is_counted(asking):
    hosts = [url.split("/")[2] for url in PAGES]
    assert len(learned(dictionary(hosts), asking.handshake)) == BUDGET


def test_all_ways_in_turn_draw_on_one_budget(asking):
    ways = (lambda name: asking.request(f"http://{name}/"), asking.tunnel, asking.handshake)
    found = set()
    for number, name in enumerate(HOSTS):
        found |= learned([name], ways[number % 3])
    assert len(found) == BUDGET


def test_endless_pages_below_one_listed_host_teach_one_entry(asking):
    for number in range(5 * BUDGET):
        assert asking.request(f"http://w{number}.bad000.example/{number}")[0] == 451


def test_past_the_budget_everything_gets_the_same_bare_answer(asking):
    spend(asking)
    seen = [asking.request(f"http://{host}/") for host in (*HOSTS[:3], HOSTS[59], GAMES[0], "good.example")]
    seen += [asking.request(url) for url in PAGES[:3]]
    assert all(each == seen[0] for each in seen)
    assert is_plain(seen[0])
    tunnels = [asking.tunnel(host) for host in (HOSTS[0], HOSTS[59], GAMES[0], "good.example")]
    assert all(each == tunnels[0] for each in tunnels)
    assert is_plain(tunnels[0])
    shaken = {asking.handshake(host) for host in (HOSTS[0], HOSTS[59], GAMES[0], "good.example")}
    assert len(shaken) == 1
    assert UNTOUCHED not in shaken


def test_past_the_budget_nothing_is_decided_before_it_is_refused(asking, engine, monkeypatch):
    spend(asking)
    for method in ("decide_host", "decide_url", "inspects", "explain", "confidential_pages"):
        monkeypatch.setattr(engine, method, pytest.fail)
    for name in (HOSTS[0], "good.example"):
        assert is_plain(asking.request(f"http://{name}/"))
        assert is_plain(asking.tunnel(name))
        assert asking.handshake(name) != UNTOUCHED


def test_past_the_budget_helplines_still_answer(asking):
    spend(asking)
    assert asking.request(f"http://{HELPLINE}/any") is None
    assert asking.tunnel(HELPLINE) is None
    assert asking.handshake(HELPLINE, target=HELPLINE) == UNTOUCHED
    assert is_plain(asking.tunnel(f"x.{HELPLINE}"))


def test_past_the_budget_a_protected_host_with_listed_pages_is_refused_whatever_the_page(asking):
    assert asking.request("http://isp.example/listed")[0] == 451
    spend(asking, HOSTS[: BUDGET - 1])
    for url in ("http://isp.example/listed", "http://isp.example/appeal"):
        assert is_plain(asking.request(url))


def test_a_helpline_under_a_keyword_list_is_refused_in_clear_and_passes_in_a_tunnel(tmp_path):
    config = a_config(tmp_path)
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", [*map(parse, HOSTS), parse_as("keyword", "forbidden")])
        draft.publish()
    events = CountedEvents()
    oracle = OracleBudget(OracleConfig(BUDGET, 1e9), events.http)
    asking = Asking(CopFilter(Gate(cop_filter.open(tmp_path), config.operator, events, REACH, oracle=oracle)))
    spend(asking)
    for path in ("/forbidden", "/allowed"):
        assert is_plain(asking.request(f"http://{HELPLINE}{path}"))
    assert asking.handshake(HELPLINE, target=HELPLINE) == UNTOUCHED


def test_an_impossible_request_is_told_so_by_everybody_alike(asking):
    spend(asking)
    for client in (HOME, NEIGHBOUR):
        hosts = [(b"Host", b"good.example"), (b"Host", HOSTS[0].encode())]
        assert asking.request("http://good.example/", client, hosts)[0] == 400


def test_another_network_is_not_affected_and_the_same_one_is(asking):
    spend(asking)
    assert asking.request("http://good.example/", NEIGHBOUR) is None
    assert asking.request(f"http://{HOSTS[0]}/", NEIGHBOUR)[0] == 451
    assert is_plain(asking.request("http://good.example/", SAME_HOME))


def test_a_household_below_its_budget_sees_the_page_as_ever(asking):
    for _ in range(10):
        spend(asking, HOSTS[: BUDGET - 1])
        assert b"Example Hotline" in asking.request(f"http://{HOSTS[0]}/")[2]
    assert asking.request("http://good.example/") is None


def test_what_a_subscriber_chose_to_be_kept_from_is_no_secret(asking):
    for host in GAMES:
        assert asking.request(f"http://{host}/")[0] == 451
    assert asking.request("http://good.example/") is None


def test_a_new_generation_forgets_no_budget(asking, engine, state_dir):
    spend(asking)
    engine.swap(cop_filter.engine.EMPTY)
    assert is_plain(asking.request("http://good.example/"))


def test_it_is_counted(asking, gate):
    spend(asking)
    asking.request("http://good.example/")
    asking.tunnel("good.example")
    asking.handshake("good.example")
    assert gate.events.of_oracle == {"oracle_budget_spent": 1, "oracle_refused": 3}
    assert len(gate.events.decisions) == BUDGET
