"""The addon's hooks, one event at a time; what happens on the wire is shown in tests/end_to_end."""

import logging
from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from fake_engine import CountedEvents, FakeEngine
from mitmproxy import connection, exceptions, http
from mitmproxy.addons.dumper import Dumper
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.save import Save
from mitmproxy.hooks import RunningHook
from mitmproxy.options import Options
from mitmproxy.proxy import layer, layers
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.events import DataReceived
from mitmproxy.test import taddons, tflow

from addons import mitmproxy_addon
from addons.gate import Gate
from addons.mitmproxy_addon import OPTION, CopFilter
from addons.reach import Reach
from cop_filter.access import AccessList
from cop_filter.config import OperatorConfig, ProfileConfig
from cop_filter.profiles import ClientProfiles

OPERATOR = OperatorConfig(
    "Example Net", "officer@isp.example", "https://isp.example/appeal", "https://hotline.example"
)


REACH = Reach(
    AccessList([ip_network("127.0.0.0/8"), ip_network("198.51.100.0/24")]), frozenset(), lambda _: False
)
OUTSIDE = ("198.51.100.7", 40000)
"""A client on another machine."""


def make_gate(engine=None, **changes):
    engine = engine or FakeEngine(hosts={"bad.example"}, urls={"pages.example/bad.html"})
    return Gate(engine, OPERATOR, CountedEvents(), REACH, **changes)


@pytest.fixture
def gate():
    return make_gate()


@pytest.fixture
def addon(gate):
    return CopFilter(gate)


def direct(url="http://good.example/", *, method="GET", headers=(), sni=None):
    """A request as it reaches the hook outside a tunnel (absolute form, its authority taken off)."""
    flow = tflow.tflow(server_conn=connection.Server(address=None))
    flow.client_conn.sni = sni
    flow.request = http.Request.make(method, url, b"")
    flow.request.headers = http.Headers(headers)
    return flow


def tunnelled(path="/", *, target="good.example", host=None, authority=b"", sni=None, tls=True, headers=()):
    """A request as it reaches the hook inside a tunnel."""
    flow = tflow.tflow(server_conn=connection.Server(address=(target, 443)))
    flow.client_conn.sni = sni
    flow.request = http.Request.make("GET", f"{'https' if tls else 'http'}://{target}{path}")
    fields = [(b"Host", host.encode())] if host is not None else []
    flow.request.headers = http.Headers([*fields, *headers])
    flow.request.data.authority = authority
    return flow


def connect(target="good.example", hosts=None):
    flow = tflow.tflow(server_conn=connection.Server(address=None))
    flow.request = http.Request.make("CONNECT", f"https://{target}/")
    flow.request.data.host, flow.request.data.port = target, 443
    flow.request.headers = http.Headers([(b"Host", each.encode()) for each in (hosts or [f"{target}:443"])])
    return flow


def status(flow):
    return flow.response.status_code if flow.response else None


class TestRequests:
    def test_a_listed_page_gets_the_page_and_its_sibling_passes(self, addon, gate):
        listed = direct("http://pages.example/bad.html")
        addon.requestheaders(listed)
        assert status(listed) == 451
        assert listed.response.headers["Link"] == '<https://isp.example/appeal>; rel="blocked-by"'
        assert listed.response.headers["Cache-Control"] == "no-store"
        sibling = direct("http://pages.example/good.html")
        addon.requestheaders(sibling)
        assert status(sibling) is None
        assert gate.events.decisions == [("http", "block"), ("http", "allow")]

    def test_each_request_of_a_connection_is_decided_anew(self, addon):
        client = tflow.tclient_conn()
        answers = []
        for path in ("/good.html", "/bad.html", "/good.html"):
            flow = direct(f"http://pages.example{path}")
            flow.client_conn = client
            addon.requestheaders(flow)
            answers.append(status(flow))
        assert answers == [None, 451, None]

    def test_head_gets_the_length_and_no_body(self, addon):
        flow = direct("http://bad.example/", method="HEAD")
        addon.requestheaders(flow)
        assert flow.response.raw_content == b""
        assert int(flow.response.headers["Content-Length"]) > 1000

    def test_the_page_never_holds_what_was_asked_for(self, addon):
        flow = direct("http://bad.example/q7x9?q7x9", headers=[(b"Referer", b"http://q7x9.example/")])
        addon.requestheaders(flow)
        assert b"q7x9" not in flow.response.raw_content
        assert b"bad.example" not in flow.response.raw_content

    def test_several_host_headers_attack(self, addon):
        flow = direct(headers=[(b"Host", b"good.example"), (b"host", b"bad.example")])
        addon.requestheaders(flow)
        assert status(flow) == 400
        assert flow.response.headers["Connection"] == "close"

    @pytest.mark.parametrize(
        "value", [b"a\r\n Host: bad.example", b"a\rHost: bad.example", b"a\nHost:b", b"\0"]
    )
    def test_host_behind_a_folded_header_or_lone_line_break_attack(self, addon, value):
        flow = direct("http://good.example/", headers=[(b"X", value), (b"Host", b"good.example")])
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_absolute_form_against_host_attack(self, addon):
        flow = direct("http://good.example/", headers=[(b"Host", b"bad.example")])
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_connect_target_against_host_attack(self, addon):
        flow = tunnelled(target="good.example", host="bad.example", tls=False)
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_sni_against_host_attack(self, addon):
        flow = tunnelled(target="192.0.2.1", sni="good.example", host="bad.example")
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_authority_against_host_attack_in_http2(self, addon):
        flow = tunnelled(
            target="good.example", sni="good.example", host="good.example", authority=b"bad.example"
        )
        flow.request.http_version = "HTTP/2.0"
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_tunnel_to_an_address_does_not_hide_the_host(self, addon):
        flow = tunnelled("/bad.html", target="192.0.2.1", host="pages.example", tls=False)
        addon.requestheaders(flow)
        assert status(flow) == 451

    def test_the_name_of_the_proxys_own_tls_is_no_name_of_the_site(self, addon):
        outside = direct("http://good.example/", sni="proxy.isp.example")
        inside = tunnelled(target="good.example", host="good.example", sni="proxy.isp.example", tls=False)
        for flow in (outside, inside):
            addon.requestheaders(flow)
            assert status(flow) is None

    @pytest.mark.parametrize(
        "url", ["http://b%61d.example/", "http://BAD.example./", "http://bad.example:8080/"]
    )
    def test_spelled_host_attack(self, addon, url):
        flow = direct("http://placeholder.example/")
        flow.request.data.host = url.split("/")[2].split(":")[0]
        addon.requestheaders(flow)
        assert status(flow) == 451

    def test_userinfo_attack(self, addon):
        flow = direct("http://good.example/", headers=[(b"Host", b"good.example@bad.example")])
        addon.requestheaders(flow)
        assert status(flow) == 400

    def test_websocket_to_a_listed_page_is_stopped_and_others_keep_their_upgrade(self, addon):
        upgrade = [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket"), (b"Sec-WebSocket-Version", b"13")]
        listed = direct("http://pages.example/bad.html", headers=upgrade)
        addon.requestheaders(listed)
        assert status(listed) == 451
        other = direct("http://pages.example/chat", headers=upgrade)
        addon.requestheaders(other)
        assert status(other) is None
        assert other.request.headers["Upgrade"] == "websocket"

    @pytest.mark.parametrize("upgrade", [b"h2c", b"H2C", b"websocket, h2c", b"TLS/1.0"])
    def test_upgrade_attack_no_other_protocol_takes_over_the_connection(self, addon, upgrade):
        headers = [
            (b"Upgrade", upgrade),
            (b"HTTP2-Settings", b"AAM"),
            (b"Connection", b"keep-alive, Upgrade, HTTP2-Settings"),
        ]
        flow = direct("http://good.example/", headers=headers)
        addon.requestheaders(flow)
        assert flow.request.headers.fields == ((b"Connection", b"keep-alive"),)

    def test_an_upload_to_a_listed_page_is_answered_without_its_body(self, addon):
        headers = [(b"Content-Length", b"1000000000"), (b"Expect", b"100-continue")]
        flow = direct("http://bad.example/", method="POST", headers=headers)
        addon.requestheaders(flow)
        assert flow.request.stream
        assert flow.response.headers["Connection"] == "close"
        assert "Expect" not in flow.request.headers

    def test_an_allowed_upload_is_streamed(self, addon):
        flow = direct("http://good.example/", method="POST", headers=[(b"Content-Length", b"1000000000")])
        addon.requestheaders(flow)
        assert flow.request.stream
        assert flow.response is None

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f000001", "::ffff:127.0.0.1", "0.0.0.0"])
    def test_what_listens_here_alone_is_not_open_to_clients(self, addon, gate, host):
        flow = direct()
        flow.client_conn.peername = OUTSIDE
        flow.request.data.host, flow.request.data.port = host, 9153
        addon.requestheaders(flow)
        assert status(flow) == 403
        assert flow.response.headers["Cache-Control"] == "no-store"
        flow.response, flow.client_conn.peername = None, ("127.0.0.1", 40000)
        addon.requestheaders(flow)
        assert status(flow) is None
        assert gate.events.decisions == [("http", "allow")]

    def test_a_dry_run_hit_passes_and_is_counted(self):
        gate = make_gate(FakeEngine(watched={"trial.example"}))
        flow = direct("http://trial.example/")
        CopFilter(gate).requestheaders(flow)
        assert flow.response is None
        assert gate.events.decisions == [("http", "observe")]

    def test_what_mitmproxy_has_refused_is_not_decided(self, addon, gate):
        flow = direct("http://bad.example/")
        flow.error = tflow.terr()
        addon.requestheaders(flow)
        assert gate.events.decisions == []


class TestConnect:
    def test_a_listed_host_is_stopped_before_the_tunnel(self, addon, gate):
        flow = connect("www.bad.example")
        addon.http_connect(flow)
        assert status(flow) == 451
        assert flow.response.headers["Connection"] == "close"
        assert gate.events.decisions == [("tls", "block")]

    def test_a_tunnel_to_what_listens_here_alone_is_not_dug(self, addon):
        for host, expected in (("[::1]", 403), ("203.0.113.1", None), ("good.example", None)):
            flow = connect(host)
            flow.client_conn.peername = OUTSIDE
            addon.http_connect(flow)
            assert status(flow) == expected

    def test_a_host_with_listed_pages_is_not(self, addon):
        flow = connect("pages.example")
        addon.http_connect(flow)
        assert flow.response is None

    @pytest.mark.parametrize("hosts", [["bad.example:443"], ["good.example:443", "good.example:443"]])
    def test_connect_target_against_host_attack(self, addon, hosts):
        flow = connect("good.example", hosts)
        addon.http_connect(flow)
        assert status(flow) == 400


def hello(sni, extensions=None):
    if extensions is None:
        extensions = [(0, b"")] if sni else []
    return SimpleNamespace(sni=sni, extensions=extensions)


def clienthello(target="good.example", sni=None, extensions=None):
    context = Context(tflow.tclient_conn(), Options())
    context.server.address = (target, 443) if target else None
    client_hello = hello(sni, extensions)
    return SimpleNamespace(context=context, client_hello=client_hello, ignore_connection=False)


class TestTls:
    @pytest.mark.parametrize(
        ("target", "sni", "ignored"),
        [
            ("good.example", "good.example", True),
            ("good.example", None, True),
            ("192.0.2.1", None, True),
            ("pages.example", "pages.example", False),
            ("192.0.2.1", "pages.example", False),
            ("pages.example", "good.example", False),
            ("pages.example", None, False),
        ],
    )
    def test_only_hosts_with_listed_pages_are_decrypted(self, addon, target, sni, ignored):
        data = clienthello(target, sni)
        addon.tls_clienthello(data)
        assert data.ignore_connection is ignored
        assert data.context.client.error is None

    def test_where_the_operator_inspects_nothing_nothing_is_decrypted(self):
        data = clienthello("pages.example", "pages.example")
        CopFilter(make_gate(inspect=False)).tls_clienthello(data)
        assert data.ignore_connection

    @pytest.mark.parametrize(
        "data",
        [
            clienthello("good.example", "bad.example"),
            clienthello("192.0.2.1", "www.bad.example"),
            clienthello("bad.example", None),
            clienthello("192.0.2.1", None, [(0, b"two names")]),
        ],
        ids=["sni", "sni-by-address", "target", "unreadable-sni"],
    )
    def test_a_listed_host_is_stopped_without_decrypting(self, addon, data):
        addon.tls_clienthello(data)
        assert not data.ignore_connection
        start = SimpleNamespace(context=data.context, ssl_conn=None)
        addon.tls_start_client(start)
        assert start.ssl_conn is not None
        assert start.ssl_conn.get_certificate() is None

    def test_a_handshake_that_is_not_refused_is_left_to_mitmproxy(self, addon):
        start = SimpleNamespace(context=clienthello().context, ssl_conn=None)
        addon.tls_start_client(start)
        assert start.ssl_conn is None

    def test_the_way_to_the_proxy_itself_is_not_touched(self, addon, gate):
        data = clienthello(None, "bad.example")
        addon.tls_clienthello(data)
        assert not data.ignore_connection
        assert data.context.client.error is None
        assert gate.events.decisions == []


def tunnel(data: bytes, target="good.example"):
    context = Context(tflow.tclient_conn(), Options())
    context.server.address = (target, 80)
    next_layer = layer.NextLayer.__new__(layer.NextLayer)
    next_layer.context, next_layer.layer = context, None
    next_layer.events = [DataReceived(context.client, data)]
    context.client.timestamp_tls_setup = None
    return next_layer


class TestTunnels:
    def test_a_request_in_parts_is_waited_for(self, addon):
        with pytest.raises(exceptions.AddonHalt):
            addon.next_layer(tunnel(b"G"))

    def test_a_request_behind_an_empty_line_is_http(self, addon):
        asked = tunnel(b"\r\nGET / HTTP/1.1\r\n")
        addon.next_layer(asked)
        assert isinstance(asked.layer, layers.HttpLayer)

    def test_another_protocol_is_relayed_and_not_kept(self, addon):
        asked = tunnel(b"SSH-2.0-client\r\n")
        addon.next_layer(asked)
        assert isinstance(asked.layer, layers.TCPLayer)
        assert asked.layer.flow is None

    def test_nothing_that_cannot_be_seen_reaches_a_host_with_listed_pages(self, addon):
        asked = tunnel(b"\x00\x01\x02\x03", target="pages.example")
        addon.next_layer(asked)
        assert isinstance(asked.layer, layers.HttpLayer)


class TestAnswers:
    def test_answers_are_passed_on_as_they_come(self, addon):
        flow = tflow.tflow(resp=True)
        addon.responseheaders(flow)
        assert flow.response.stream

    def test_a_connection_becomes_a_websocket_and_nothing_else(self, addon):
        flow = tflow.tflow(resp=True)
        flow.response.status_code = 101
        flow.response.headers["Upgrade"] = "anything"
        addon.responseheaders(flow)
        assert flow.error is not None
        flow = tflow.twebsocketflow()
        addon.responseheaders(flow)
        assert flow.error is None
        assert not flow.response.stream

    def test_what_is_said_on_a_websocket_is_not_kept(self, addon):
        flow = tflow.twebsocketflow()
        assert flow.websocket.messages
        addon.websocket_message(flow)
        assert not flow.websocket.messages


class TestFaults:
    """mitmproxy lets a request through when an addon fails; this one must not."""

    @pytest.fixture
    def gate(self):
        return make_gate(FakeEngine(error=RuntimeError("q7x9")))

    def test_a_failing_decision_blocks(self, addon, gate):
        for hook, flow in ((addon.requestheaders, direct()), (addon.http_connect, connect())):
            hook(flow)
            assert status(flow) == 451
        assert gate.events.faults == ["http", "tls"]

    def test_a_failing_decision_refuses_tls(self, addon, gate):
        data = clienthello()
        addon.tls_clienthello(data)
        start = SimpleNamespace(context=data.context, ssl_conn=None)
        addon.tls_start_client(start)
        assert start.ssl_conn is not None
        assert gate.events.faults == ["tls"]

    def test_where_every_list_fails_open_it_passes_and_is_counted(self):
        gate = make_gate(FakeEngine(error=RuntimeError("a bug")), closed=False)
        addon = CopFilter(gate)
        flow, data = direct(), clienthello()
        addon.requestheaders(flow)
        addon.tls_clienthello(data)
        assert flow.response is None
        assert data.context.client.error is None
        assert gate.events.faults == ["http", "tls"]

    def test_a_failing_page_still_blocks(self, monkeypatch):
        addon = CopFilter(make_gate())
        monkeypatch.setattr(mitmproxy_addon, "blocked", lambda *_: 1 / 0)
        flow = direct("http://bad.example/")
        addon.requestheaders(flow)
        assert status(flow) == 451

    def test_failing_counters_still_block(self, monkeypatch):
        gate = make_gate()
        monkeypatch.setattr(gate.events, "decided", lambda *_: 1 / 0)
        monkeypatch.setattr(gate.events, "fault", lambda *_: 1 / 0)
        flow = direct("http://bad.example/")
        CopFilter(gate).requestheaders(flow)
        assert status(flow) == 451

    def test_without_a_gate_everything_is_blocked(self):
        addon, flow = CopFilter(), direct()
        addon.requestheaders(flow)
        assert status(flow) == 451

    def test_a_fault_is_reported_once_and_names_nobody(self, addon, caplog):
        with caplog.at_level(logging.DEBUG):
            for _ in range(3):
                addon.requestheaders(direct("http://private.example/"))
        assert len(caplog.records) == 1
        assert "private.example" not in caplog.text


class TestSettings:
    def test_mitmproxy_is_set_to_what_the_filter_needs(self, tmp_path):
        addon = CopFilter()
        with taddons.context(Proxyserver(), Dumper(), addon) as context:
            context.options.update(connection_strategy="eager", flow_detail=3, validate_inbound_headers=False)
            assert context.options.connection_strategy == "lazy"
            assert context.options.flow_detail == 0
            assert context.options.validate_inbound_headers

    def test_a_wrong_configuration_is_named_and_fatal(self, tmp_path):
        file = tmp_path / "cop-filter.toml"
        file.write_text("[operator]\n")
        with (
            taddons.context(CopFilter()) as context,
            pytest.raises(exceptions.OptionsError, match=r"operator\.name"),
        ):
            context.options.update(**{OPTION: str(file)})

    def test_the_option_is_not_left_out(self, caplog):
        with taddons.context(CopFilter()) as context, caplog.at_level(logging.ERROR):
            context.master.addons.trigger(RunningHook())
        assert OPTION in caplog.text

    def test_people_are_not_recorded_beside_the_filter(self, tmp_path):
        with (
            taddons.context(Save(), CopFilter()) as context,
            pytest.raises(exceptions.OptionsError, match="record"),
        ):
            context.options.update(save_stream_file=str(tmp_path / "flows"))


class TestProfiles:
    """Clients on 198.51.100.0/24 are schools, for whom more is listed; the others are on loopback."""

    @pytest.fixture
    def addon(self):
        engine = FakeEngine(
            hosts={"bad.example"},
            hosts_of={"schools": {"game.example"}},
            urls_of={"schools": {"shop.example/toys.html"}},
        )
        schools = ProfileConfig("schools", (ip_network("198.51.100.0/24"),), ("games",))
        return CopFilter(make_gate(engine, profiles=ClientProfiles([schools])))

    @pytest.fixture(params=[True, False], ids=["school", "home"])
    def school(self, request):
        return request.param

    @staticmethod
    def seat(client, school):
        client.peername = OUTSIDE if school else ("127.0.0.1", 40000)

    @pytest.mark.parametrize("url", ["http://game.example/", "http://shop.example/toys.html"])
    def test_a_request_is_decided_for_its_client(self, addon, school, url):
        flow = direct(url)
        self.seat(flow.client_conn, school)
        addon.requestheaders(flow)
        assert status(flow) == (451 if school else None)

    def test_what_is_listed_for_everybody_is_stopped_for_every_client(self, addon, school):
        for flow, hook in (
            (direct("http://bad.example/"), addon.requestheaders),
            (connect("bad.example"), addon.http_connect),
        ):
            self.seat(flow.client_conn, school)
            hook(flow)
            assert status(flow) == 451

    def test_a_tunnel_is_decided_for_its_client(self, addon, school):
        flow = connect("game.example")
        self.seat(flow.client_conn, school)
        addon.http_connect(flow)
        assert status(flow) == (451 if school else None)

    def test_tls_is_decided_for_its_client(self, addon, school):
        data = clienthello("192.0.2.1", "game.example")
        self.seat(data.context.client, school)
        addon.tls_clienthello(data)
        assert bool(data.context.client.error) is school

    def test_hosts_are_decrypted_where_pages_are_listed_for_the_client(self, addon, school):
        data = clienthello("shop.example", "shop.example")
        self.seat(data.context.client, school)
        addon.tls_clienthello(data)
        assert data.ignore_connection is not school

    def test_what_cannot_be_seen_is_kept_from_hosts_with_pages_listed_for_the_client(self, addon, school):
        asked = tunnel(b"\x00\x01\x02\x03", target="shop.example")
        self.seat(asked.context.client, school)
        addon.next_layer(asked)
        assert isinstance(asked.layer, layers.HttpLayer if school else layers.TCPLayer)
