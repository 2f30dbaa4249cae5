"""What a person sees: a real browser behind the real proxy."""

import subprocess

import pytest
from origin_site import Origin
from programs import require
from proxy_rig import ProxyRig

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The proxy's authority is not in the browser's store; that it forges well is shown with curl.
    "--ignore-certificate-errors",
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    with Origin(tmp_path_factory.mktemp("origin")) as origin:
        yield origin


@pytest.fixture(scope="module")
def rig(tmp_path_factory, origin):
    chromium = require("chromium", "chromium")
    rig = ProxyRig(tmp_path_factory.mktemp("proxy"), origin.ca)
    rig.chromium = chromium
    rig.publish("bad.test", "http://pages.test/bad.html")
    rig.start_role()
    yield rig
    assert rig.stop() == 0


@pytest.fixture
def browse(rig, tmp_path):
    def browse(url: str, *options: str) -> str:
        """The page that a fresh browser shows for a URL."""
        words = [rig.chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
        words += [f"--proxy-server=http://127.0.0.1:{rig.port}", *options, "--dump-dom", url]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
        return done.stdout

    return browse


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_listed_page_shows_the_notice_and_its_sibling_the_site(browse, origin, scheme):
    site = f"{scheme}://pages.test:{getattr(origin, f'{scheme}_port')}"
    origin.seen.clear()
    notice = browse(f"{site}/bad.html")
    assert "This page is blocked" in notice
    assert "Example Hotline" in notice
    assert all(path != "/bad.html" for *_, path in origin.seen)
    assert "origin: /good.html" in browse(f"{site}/good.html")


def test_the_notice_speaks_the_readers_language(browse, origin):
    url = f"http://bad.test:{origin.http_port}/"
    assert "Cette page est bloquée" in browse(url, "--accept-lang=fr-FR,fr")


def test_a_listed_host_shows_nothing_of_itself_over_tls(browse, origin):
    origin.seen.clear()
    browse(f"https://bad.test:{origin.https_port}/")
    assert all(not host.startswith("bad.test") for _, host, *_ in origin.seen)
