"""What is not listed passes the real proxy as it is, whether its host is decrypted or not."""

import random
import re

import pytest
from origin_site import Origin
from programs import require
from proxy_rig import ProxyRig, wait_until


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    require("curl", "curl")
    with Origin(tmp_path_factory.mktemp("origin")) as origin:
        origin.film.write_bytes(random.Random(1).randbytes(20_000_000))
        yield origin


@pytest.fixture(scope="module")
def rig(tmp_path_factory, origin):
    rig = ProxyRig(tmp_path_factory.mktemp("proxy"), origin.ca)
    rig.publish("http://pages.test/bad.html", "bad.test")
    rig.start_role()
    yield rig
    assert rig.stop() == 0


@pytest.fixture(params=["http", "https inspected", "https"])
def ask(request, rig, origin):
    """A client of one site that is reached in one of the three ways a proxy has."""
    host = "good.test" if request.param == "https" else "pages.test"
    scheme = request.param.split()[0]
    port = origin.http_port if scheme == "http" else origin.https_port
    trust = {"http": None, "https": origin.ca}.get(request.param, rig.ca)
    return lambda path, *options: rig.curl(f"{scheme}://{host}:{port}{path}", *options, trust=trust)


def test_a_large_download_arrives_whole(ask, origin):
    answer = ask("/film")
    assert answer.status == 200
    assert answer.body == origin.film.read_bytes()


def test_a_range_is_asked_for_and_got(ask, origin):
    answer = ask("/film", "--range", "1000-1999")
    assert answer.status == 206
    assert answer.body == origin.film.read_bytes()[1000:2000]
    assert "content-range: bytes 1000-1999/20000000" in answer.headers.lower()


@pytest.mark.parametrize("status", [204, 301, 304, 403, 404, 429, 451, 500, 503])
def test_an_origins_own_answer_is_passed_on(ask, status):
    answer = ask(f"/status/{status}")
    assert answer.status == status
    for field in ("location: /elsewhere", "retry-after: 7", "set-cookie: a=b"):
        assert field in answer.headers.lower()
    assert answer.body == (b"" if status in (204, 304) else b"as it is")
    assert "blocked-by" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_every_method_reaches_the_origin(ask, origin, method):
    origin.seen.clear()
    assert ask("/any", *(("--head",) if method == "HEAD" else ("--request", method))).status == 200
    assert [seen for _, _, seen, _ in origin.seen] == [method]


@pytest.mark.parametrize(
    "path", ["/a//b/./%2e%2e/c%2Fd?q=%26&r=/../x#y", "/%C3%BC%c3%bc/a+b?c+d=e%20f", "/..a/b..;c=d,e"]
)
def test_a_target_is_passed_on_as_it_was_spelled(ask, origin, path):
    origin.seen.clear()
    sent = path.partition("#")[0]
    assert ask(path, "--path-as-is").body == f"origin: {sent} 0".encode()


def test_a_connection_serves_several_requests(rig, origin):
    target = f"pages.test:{origin.http_port}"
    with rig.connect() as client:
        for path in ("/one", "/bad.html", "/two"):
            client.send(f"GET http://{target}{path} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            assert client.read_answer()[0] == (451 if path == "/bad.html" else 200)


def test_what_an_origin_has_sent_so_far_is_passed_on_at_once(rig, origin):
    origin.drip_on.clear()
    target = f"pages.test:{origin.http_port}"
    with rig.connect() as client:
        client.send(f"GET http://{target}/drip HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        got = bytearray()

        def has(text):
            got.extend(client.socket.recv(65536))
            return re.search(text, got) is not None

        wait_until(lambda: has(b"first"))
        assert b"second" not in got
        origin.drip_on.set()
        wait_until(lambda: has(b"second"))
