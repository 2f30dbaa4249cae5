"""Profiles, through every role: dig and curl ask from two networks, and are told what each may have."""

import socket
import subprocess

import pytest
from origin_site import Origin
from programs import require
from whole_service import REAL, SPLASH, WholeService, until

SCHOOL, HOME = "127.0.1.5", "127.0.2.5"
LISTS = """
[[lists]]
id = "order"
source = "file:{folder}/order.txt"
format = "plain"
authority = "Example Court"
category = "csam"
legal_basis = "order"
interval = "1s"
[[lists]]
id = "school-extra"
source = "file:{folder}/games.txt"
format = "plain"
authority = "Example Schools"
category = "games"
legal_basis = "subscriber"
interval = "1s"
[[profiles]]
id = "schools"
networks = ["127.0.1.0/24"]
lists = ["school-extra"]
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    with Origin(tmp_path_factory.mktemp("origin")) as origin:
        yield origin


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    for program, package in (("dig", "bind9-dnsutils"), ("curl", "curl")):
        require(program, package)
    folder = tmp_path_factory.mktemp("service")
    (folder / "order.txt").write_text("bad.example\n")
    (folder / "games.txt").write_text("game.example\nhttp://127.0.0.1/game.html\n")
    service = WholeService(folder, proxy=True, extra_lists=LISTS.format(folder=folder))
    service.publish("other.example")
    try:
        service.start()
        until(lambda: dig(service, SCHOOL, "game.example") == SPLASH)
        until(lambda: dig(service, HOME, "bad.example") == SPLASH)
        until(lambda: listens(service.ports["proxy"]))
        yield service
    finally:
        service.stop()
    log = service.log.read_text()
    for secret in (SCHOOL, HOME, "game.example", "bad.example"):
        assert secret not in log, "nobody is watched"


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def dig(service, client, name, *options):
    words = ["dig", "@127.0.0.1", "-p", str(service.ports["dns"]), "-b", client, "+short", "+tries=1"]
    done = subprocess.run([*words, *options, name], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip()


def curl(service, client, url):
    """The status of the answer, and that of the CONNECT."""
    words = ["curl", "--silent", "--interface", client, "--output", "/dev/null", "--max-time", "30"]
    words += ["--proxy", f"http://127.0.0.1:{service.ports['proxy']}"]
    words += ["--write-out", "%{http_code} %{http_connect}", url]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    return tuple(map(int, done.stdout.split()))


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_a_subscribers_list_holds_on_dns_for_the_clients_of_its_profile(service, transport):
    for _ in range(3):  # by Python, and by what it has taught
        for name in ("game.example", "www.game.example"):
            assert dig(service, SCHOOL, name, transport) == SPLASH
            assert dig(service, HOME, name, transport) == REAL


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_an_order_holds_on_dns_for_everybody(service, transport):
    for client in (SCHOOL, HOME):
        assert dig(service, client, "bad.example", transport) == SPLASH
        assert dig(service, client, "good.example", transport) == REAL


def test_a_subscribers_list_holds_in_the_proxy_for_the_clients_of_its_profile(service, origin):
    page = f"http://127.0.0.1:{origin.http_port}/game.html"
    assert curl(service, SCHOOL, page) == (451, 0)
    assert origin.seen == []
    assert curl(service, HOME, page) == (200, 0)
    assert curl(service, SCHOOL, page.replace("game", "other")) == (200, 0)
    assert curl(service, SCHOOL, "https://game.example/") == (0, 451)
    assert curl(service, HOME, "https://game.example/")[1] != 451


def test_an_order_holds_in_the_proxy_for_everybody(service):
    for client in (SCHOOL, HOME):
        assert curl(service, client, "http://bad.example/") == (451, 0)
        assert curl(service, client, "https://bad.example/") == (0, 451)


def test_the_page_tells_each_reader_what_holds_for_it(service):
    def page(client):
        words = ["curl", "--silent", "--interface", client, "--header", "Host: game.example"]
        url = f"http://127.0.0.1:{service.ports['splash']}/"
        done = subprocess.run([*words, url], capture_output=True, timeout=60, check=False)
        return b"Example Schools" in done.stdout

    assert (page(SCHOOL), page(HOME)) == (True, False)
