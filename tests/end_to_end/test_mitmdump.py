"""The real proxy with real clients: what is listed never reaches its origin, all else is untouched."""

import socket
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from origin_site import Origin, Witness
from programs import require
from proxy_rig import ROOT, ProxyRig, wait_until

LIST = ("bad.test", "http://pages.test/bad.html", "https://pages.test/gallery/", "http://127.0.0.1/bad.html")


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    require("curl", "curl")
    with Origin(tmp_path_factory.mktemp("origin")) as origin:
        yield origin


@pytest.fixture(scope="module", params=["role", "mitmdump"])
def rig(request, tmp_path_factory, origin):
    rig = ProxyRig(tmp_path_factory.mktemp("proxy"), origin.ca)
    rig.publish(*LIST)
    rig.start_role() if request.param == "role" else rig.start_mitmdump()
    yield rig
    assert rig.stop() == 0


@pytest.fixture(autouse=True)
def _forget(origin):
    origin.seen.clear()


def http(origin, host, path="/"):
    return f"http://{host}:{origin.http_port}{path}"


def https(origin, host, path="/"):
    return f"https://{host}:{origin.https_port}{path}"


class TestPlain:
    def test_a_listed_page_is_blocked_and_the_origin_never_asked(self, rig, origin):
        answer = rig.curl(http(origin, "pages.test", "/bad.html"))
        assert answer.status == 451
        assert b"Example Hotline" in answer.body
        assert 'Link: <https://isp.example/appeal>; rel="blocked-by"' in answer.headers
        assert "Cache-Control: no-store" in answer.headers
        assert origin.seen == []

    def test_siblings_and_other_hosts_pass(self, rig, origin):
        for host, path in (("pages.test", "/good.html"), ("pages.test", "/"), ("good.test", "/bad.html")):
            answer = rig.curl(http(origin, host, path))
            assert (answer.status, answer.body) == (200, f"origin: {path} 0".encode())
        assert len(origin.seen) == 3

    def test_a_listed_host_is_blocked_with_all_below_it(self, rig, origin):
        for host in ("bad.test", "www.bad.test", "BAD.test"):
            assert rig.curl(http(origin, host)).status == 451
        assert origin.seen == []

    @pytest.mark.parametrize(
        "path",
        ["/%62ad.html", "/%2562ad.html", "//bad.html", "/x/../bad.html", "/./bad.html", "/x/%2e%2e/bad.html",
         "/y//../bad.html", "/a%2fb/../../bad.html", "/a\\b/../bad.html"],
    )  # fmt: skip
    def test_spelled_path_attack(self, rig, origin, path):
        assert rig.curl(http(origin, "pages.test", path), "--path-as-is").status == 451
        assert origin.seen == []

    @pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "017700000001"])
    def test_spelled_address_attack(self, rig, origin, host):
        with rig.connect() as client:
            target = f"{host}:{origin.http_port}"
            client.send(f"GET http://{target}/bad.html HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            assert client.read_answer()[0] == 451
        assert origin.seen == []

    def test_an_upload_is_answered_without_waiting_for_it(self, rig, origin):
        with rig.connect() as client:
            target = f"bad.test:{origin.http_port}"
            head = f"POST http://{target}/ HTTP/1.1\r\nHost: {target}\r\nContent-Length: 1000000000\r\n\r\n"
            client.send(head.encode() + b"x" * 100_000)
            assert client.read_answer()[0] == 451
        assert origin.seen == []

    def test_a_chunked_upload_is_answered_without_waiting_for_it(self, rig, origin):
        with rig.connect() as client:
            target = f"bad.test:{origin.http_port}"
            head = f"PUT http://{target}/ HTTP/1.1\r\nHost: {target}\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.send(head.encode() + b"5\r\nhello\r\n")
            assert client.read_answer()[0] == 451
            client.send(b"0\r\n\r\n")
            assert client.ended()
        assert origin.seen == []

    def test_an_allowed_upload_arrives_whole(self, rig, origin, tmp_path):
        file = tmp_path / "upload"
        file.write_bytes(b"x" * 3_000_000)
        for framing in ((), ("--header", "Transfer-Encoding: chunked")):
            answer = rig.curl(http(origin, "pages.test", "/form"), "--upload-file", file, *framing)
            assert answer.body == b"origin: /form 3000000"

    def test_head_gets_headers_alone(self, rig, origin):
        answer = rig.curl(http(origin, "bad.test"), "--head")
        assert answer.status == 451
        assert answer.body.strip() == b"" or b"<html" not in answer.body

    def test_pipelined_request_attack_each_is_decided(self, rig, origin):
        target = f"pages.test:{origin.http_port}"
        paths = ("/good.html", "/bad.html", "/good.html")
        requests = [f"GET http://{target}{path} HTTP/1.1\r\nHost: {target}\r\n\r\n" for path in paths]
        with rig.connect() as client:
            client.send("".join(requests).encode())
            assert [client.read_answer()[0] for _ in paths] == [200, 451, 200]
        assert [path for *_, path in origin.seen] == ["/good.html", "/good.html"]


class TestAmbiguity:
    @pytest.mark.parametrize(
        "head",
        [
            "GET http://good.test:{port}/ HTTP/1.1\r\nHost: bad.test\r\n\r\n",
            "GET http://good.test:{port}/ HTTP/1.1\r\nHost: good.test\r\nHost: bad.test\r\n\r\n",
            "GET http://good.test:{port}/ HTTP/1.1\r\nHost: good.test\r\nhOST : bad.test\r\n\r\n",
            "GET http://bad.test@good.test:{port}/ HTTP/1.1\r\nHost: good.test\r\n\r\n",
            "GET http://good.test:{port}/ HTTP/1.1\r\nHost: good.test@bad.test\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
        ],
        ids=["absolute-form", "two-hosts", "spaced-name", "userinfo", "userinfo-in-host", "no-host"],
    )
    def test_host_confusion_attack(self, rig, origin, head):
        with rig.connect() as client:
            client.send(head.format(port=origin.http_port).encode())
            assert client.read_answer()[0] == 400
            assert client.ended()
        assert origin.seen == []

    def test_connect_target_against_host_attack(self, rig, origin):
        with rig.connect() as client:
            assert client.tunnel(f"good.test:{origin.http_port}") == 200
            client.send(b"GET / HTTP/1.1\r\nHost: bad.test\r\n\r\n")
            assert client.read_answer()[0] == 400
        assert origin.seen == []

    def test_a_tunnel_to_an_address_does_not_hide_the_host(self, rig, origin):
        with rig.connect() as client:
            assert client.tunnel(f"127.0.0.1:{origin.http_port}") == 200
            client.send(b"GET /bad.html HTTP/1.1\r\nHost: pages.test\r\n\r\n")
            assert client.read_answer()[0] == 451
            client.send(b"GET /good.html HTTP/1.1\r\nHost: pages.test\r\n\r\n")
            assert client.read_answer()[0] == 200
        assert [path for *_, path in origin.seen] == ["/good.html"]

    @pytest.mark.parametrize("blank", [b"", b"\r\n", b"\r\n\r\n", b" "])
    def test_split_request_attack_in_a_tunnel(self, rig, origin, blank):
        with rig.connect() as client:
            assert client.tunnel(f"pages.test:{origin.http_port}") == 200
            request = blank + b"GET /bad.html HTTP/1.1\r\nHost: pages.test\r\n\r\n"
            client.send_in_parts(request[:12])
            client.send(request[12:])
            if b"\n" in blank:
                client.finish()  # behind an empty line mitmproxy waits for more
            assert client.read_answer()[0] == (0 if b"\n" in blank else 451)
        assert origin.seen == []

    def test_cleartext_http2_attack(self, rig, origin):
        with rig.connect() as client:
            assert client.tunnel(f"pages.test:{origin.http_port}") == 200
            client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert client.read_answer()[0] in (0, 400)
        assert origin.seen == []


class TestOtherProtocols:
    def test_they_pass_byte_for_byte(self, rig):
        with socket.create_server(("127.0.0.1", 0)) as listener, rig.connect() as client:
            listener.settimeout(30)
            assert client.tunnel(f"good.test:{listener.getsockname()[1]}") == 200
            client.send(b"SSH-2.0-client\r\n\x00\xff")
            server, _ = listener.accept()
            with server:
                assert server.recv(100) == b"SSH-2.0-client\r\n\x00\xff"
                server.sendall(b"SSH-2.0-server\r\n\x00\xff")
                assert client.socket.recv(100) == b"SSH-2.0-server\r\n\x00\xff"

    def test_none_passes_to_a_host_with_listed_pages(self, rig):
        with Witness() as witness, rig.connect() as client:
            assert client.tunnel(f"pages.test:{witness.port}") == 200
            client.send(b"SSH-2.0-client\r\n\r\n")
            assert client.read_answer()[0] == 400
            assert not witness.contacted()


class TestWebSocket:
    async def test_a_listed_one_is_stopped_and_another_talks(self, rig, origin):
        proxy = f"http://127.0.0.1:{rig.port}"
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(http(origin, "pages.test", "/chat"), proxy=proxy) as chat:
                await chat.send_str("hello")
                assert await chat.receive_str(timeout=30) == "echo hello"
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(http(origin, "bad.test", "/chat"), proxy=proxy)
            assert refusal.value.status == 451
        assert len(origin.seen) == 1

    async def test_a_listed_one_inside_tls_is_stopped_and_another_talks(self, rig, origin):
        proxy, trust = f"http://127.0.0.1:{rig.port}", ssl.create_default_context(cafile=rig.ca)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
            async with session.ws_connect(https(origin, "pages.test", "/chat"), proxy=proxy) as chat:
                await chat.send_str("hello")
                assert await chat.receive_str(timeout=30) == "echo hello"
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await session.ws_connect(https(origin, "pages.test", "/gallery/chat"), proxy=proxy)
            assert refusal.value.status == 451
        assert [path for *_, path in origin.seen] == ["/chat"]


class TestTls:
    def test_other_hosts_show_their_own_certificate(self, rig, origin):
        answer = rig.curl(https(origin, "good.test", "/x"), trust=origin.ca)
        assert (answer.status, answer.body) == (200, b"origin: /x 0")
        assert rig.curl(https(origin, "good.test", "/x"), trust=rig.ca).status == 0

    @pytest.mark.parametrize("version", ["--http1.1", "--http2"])
    def test_listed_pages_are_blocked_inside_tls_and_siblings_pass(self, rig, origin, version):
        answer = rig.curl(https(origin, "pages.test", "/bad.html"), version, trust=rig.ca)
        assert answer.status == 451
        assert answer.version == ("2" if version == "--http2" else "1.1")
        assert rig.curl(https(origin, "pages.test", "/gallery/1?x"), version, trust=rig.ca).status == 451
        assert origin.seen == []
        answer = rig.curl(https(origin, "pages.test", "/good.html"), version, trust=rig.ca)
        assert (answer.status, answer.body) == (200, b"origin: /good.html 0")
        assert [path for *_, path in origin.seen] == ["/good.html"]

    def test_an_upload_to_a_listed_page_is_answered_over_http2(self, rig, origin, tmp_path):
        file = tmp_path / "upload"
        file.write_bytes(b"x" * 3_000_000)
        url = https(origin, "pages.test", "/bad.html")
        assert rig.curl(url, "--http2", "--upload-file", file, trust=rig.ca).status == 451
        assert origin.seen == []
        url = https(origin, "pages.test", "/form")
        assert rig.curl(url, "--http2", "--upload-file", file, trust=rig.ca).body == b"origin: /form 3000000"

    @pytest.mark.parametrize("target", ["http://pages.test/bad.html", "/good.html /bad.html", "bad.html"])
    def test_target_that_http2_carries_and_http1_reads_otherwise_attack(self, rig, origin, target):
        url = https(origin, "pages.test")
        answer = rig.curl(url, "--http2", "--request-target", target, trust=rig.ca)
        assert (answer.status, answer.version) == (400, "2")
        assert origin.seen == []

    def test_a_listed_host_is_stopped_at_connect(self, rig):
        with Witness() as witness:
            answer = rig.curl(f"https://www.bad.test:{witness.port}/")
            assert (answer.status, answer.tunnel) == (0, 451)
            assert "blocked-by" in answer.headers
            assert not witness.contacted()

    @pytest.mark.parametrize("target", ["good.test", "127.0.0.1"])
    def test_connect_target_against_sni_attack(self, rig, target):
        with Witness() as witness, rig.connect() as client:
            assert client.tunnel(f"{target}:{witness.port}") == 200
            with pytest.raises((ssl.SSLError, ConnectionError)):
                handshake(client, "bad.test")
            assert not witness.contacted()

    def test_a_handshake_in_parts_attack(self, rig):
        with Witness() as witness, rig.connect() as client:
            assert client.tunnel(f"127.0.0.1:{witness.port}") == 200
            client.send_in_parts(client_hello("bad.test")[:8])
            client.send(client_hello("bad.test")[8:])
            assert client.ended()
            assert not witness.contacted()

    def test_an_unverified_origin_is_not_asked(self, rig, tmp_path):
        with Origin(tmp_path) as impostor:
            assert rig.curl(https(impostor, "pages.test", "/good.html"), trust=rig.ca).status == 502
            assert impostor.seen == []


def client_hello(name: str) -> bytes:
    """The first bytes of a client that asks for `name`; TLS 1.2 keeps them in one record."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    shake = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        shake.do_handshake()
    return outgoing.read()


def handshake(client, name: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.wrap_socket(client.socket, server_hostname=name)


def test_generations_are_followed_live(rig, origin):
    url = http(origin, "fresh.test")
    assert rig.curl(url).status == 200
    rig.publish(*LIST, "fresh.test")
    wait_until(lambda: rig.curl(url).status == 451)
    rig.publish(*LIST)
    wait_until(lambda: rig.curl(url).status == 200)


def test_nobody_is_written_down(rig, origin):
    for url in (http(origin, "private.test", "/q7x9"), https(origin, "private.test", "/q7x9")):
        rig.curl(url, trust=origin.ca)
    rig.curl(http(origin, "bad.test", "/q7x9"))
    rig.curl(https(origin, "pages.test", "/q7x9"), trust=rig.ca)
    rig.curl("http://nowhere.invalid/q7x9")
    with rig.connect() as client:
        client.send(b"q7x9 q7x9 q7x9\r\n\r\n")
        client.read_answer()
    files = [file for file in rig.folder.rglob("*") if file.is_file() and file != rig.config_path]
    assert rig.output in files
    for file in files:
        content = file.read_bytes()
        assert b"q7x9" not in content
        assert b"private.test" not in content
        assert b"bad.test" not in content
    own = rig.output.read_text().replace(f"127.0.0.1:{rig.port}", "")
    assert "127.0.0.1" not in own


@pytest.fixture(scope="module")
def bordered(tmp_path_factory, origin):
    rig = ProxyRig(tmp_path_factory.mktemp("border"), origin.ca, proxy_settings='clients = ["127.0.0.8/31"]')
    rig.publish(*LIST)
    rig.start_role("import addons.reach; addons.reach._is_here = lambda it: str(it) == '127.0.0.8'")
    yield rig
    assert rig.stop() == 0
    assert "127.0.0.9" not in rig.output.read_text()


class TestBorder:
    """Addresses of loopback stand for other machines: 127.0.0.9 for a client on one of them."""

    def test_a_stranger_is_cut_off_unheard(self, bordered, origin):
        with bordered.connect() as client:
            assert client.ended()
        assert bordered.curl(http(origin, "good.test")).status == 0
        assert origin.seen == []
        assert bordered.output.read_text().count("outside proxy.clients") == 1

    def test_a_client_is_not_led_to_this_machine(self, bordered, origin):
        outside = ("--interface", "127.0.0.9")
        for host in ("127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
            assert bordered.curl(http(origin, host, "/x"), *outside).status == 403
            assert bordered.curl(https(origin, host, "/x"), *outside).tunnel == 403
        assert origin.seen == []

    def test_nor_by_a_name_that_leads_there(self, bordered, origin):
        outside = ("--interface", "127.0.0.9")
        assert bordered.curl(http(origin, "good.test"), *outside).status == 502
        with Witness() as witness:
            for url in (f"https://good.test:{witness.port}/", f"https://pages.test:{witness.port}/"):
                assert bordered.curl(url, *outside).status in (0, 502)
            assert not witness.contacted()
        assert origin.seen == []

    def test_a_client_on_this_machine_goes_anywhere(self, bordered, origin):
        inside = ("--interface", "127.0.0.8")
        for host in ("127.0.0.1", "good.test"):
            assert bordered.curl(http(origin, host, "/x"), *inside).status == 200


class TestFaults:
    """A fault of ours, injected into a real role."""

    @pytest.mark.parametrize(("on_failure", "status"), [("closed", 451), ("open", 200)])
    def test_the_declared_fail_policy_applies(self, tmp_path, origin, on_failure, status):
        rig = ProxyRig(tmp_path, origin.ca, list_settings=f'on_failure = "{on_failure}"')
        rig.publish(*LIST)
        rig.start_role("import addons.mitmproxy_addon as addon; addon.decide_request = lambda *_: 1 / 0")
        try:
            assert rig.curl(http(origin, "good.test")).status == status
            assert "ZeroDivisionError" in rig.output.read_text()
            assert "good.test" not in rig.output.read_text()
        finally:
            assert rig.stop() == 0


class TestStart:
    def test_where_nothing_is_inspected_all_tls_passes(self, tmp_path, origin):
        rig = ProxyRig(tmp_path, origin.ca, proxy_settings='inspect = "none"')
        rig.publish(*LIST)
        rig.start_role()
        try:
            assert rig.curl(https(origin, "pages.test", "/bad.html"), trust=origin.ca).status == 200
            assert rig.curl(http(origin, "pages.test", "/bad.html")).status == 451
            assert rig.curl(https(origin, "bad.test")).tunnel == 451
        finally:
            assert rig.stop() == 0

    def test_the_key_of_the_proxys_authority_is_its_owners_alone(self, rig):
        keys = [rig.ca.with_name("mitmproxy-ca.pem"), *([] if rig.is_mitmdump else [rig.ca.parent])]
        assert [key.stat().st_mode & 0o077 for key in keys] == [0] * len(keys)

    def test_a_port_in_use_is_named_and_ends_with_1(self, tmp_path, origin):
        with Witness() as witness:
            rig = ProxyRig(tmp_path, origin.ca)
            words = rig.config_path.read_text().replace(f":{rig.port}", f":{witness.port}")
            rig.config_path.write_text(words)
            done = run_role(rig.config_path)
        assert done.returncode == 1
        said = f"proxy.listen: cannot listen on 127.0.0.1 port {witness.port}: Address already in use"
        told = [line for line in done.stderr.splitlines() if "running as root" not in line]
        assert told == [f"cop-filter: {said}"]

    def test_an_address_of_another_machine_is_a_mistake_in_the_configuration(self, tmp_path, origin):
        rig = ProxyRig(tmp_path, origin.ca)
        elsewhere = '"203.0.113.1:8080"\nclients = ["127.0.0.1"]'
        rig.config_path.write_text(rig.config_path.read_text().replace(f'"127.0.0.1:{rig.port}"', elsewhere))
        done = run_role(rig.config_path)
        assert done.returncode == 2
        assert "  proxy.listen: cannot listen on 203.0.113.1 port" in done.stderr

    def test_a_wrong_configuration_is_named_and_ends_with_2(self, tmp_path):
        file = tmp_path / "cop-filter.toml"
        file.write_text("[operator]\n")
        done = run_role(file)
        assert done.returncode == 2
        assert "  operator.name: is missing" in done.stderr.splitlines()

    def test_a_state_folder_that_cannot_serve_is_told_and_ends_with_3(self, tmp_path, origin):
        rig = ProxyRig(tmp_path, origin.ca)
        rig.publish(*LIST)
        for manifest in rig.state.glob("generations/*/manifest"):
            manifest.write_bytes(b"")
        done = run_role(rig.config_path)
        assert done.returncode == 3
        assert done.stderr.splitlines()[-1].startswith("cop-filter: ")
        assert "Traceback" not in done.stderr

    def test_mitmdump_without_its_option_does_not_start(self):
        mitmdump = Path(sys.executable).parent / "mitmdump"
        words = [mitmdump, "-s", "addons/mitmproxy_addon.py", "--listen-host=127.0.0.1", "--listen-port=0"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
        assert done.returncode == 1
        assert "cop_filter_config" in done.stdout + done.stderr


def run_role(config: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-P", "-m", "addons", "--config", str(config)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
