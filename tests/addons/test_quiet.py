"""What mitmproxy may still write."""

import io
import logging

import pytest

from addons import quiet


@pytest.fixture
def log():
    """What the root logger's one handler writes; levels are put back afterwards."""
    written = io.StringIO()
    root = logging.getLogger()
    names = ["", *quiet._TALKATIVE]
    levels = {name: logging.getLogger(name).level for name in names}
    handlers, root.handlers = root.handlers, [logging.StreamHandler(written)]
    root.setLevel(logging.DEBUG)
    yield written
    root.handlers = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_nothing_that_passes_is_logged(log):
    quiet.hush()
    logging.getLogger("mitmproxy.proxy.server").info("198.51.100.7 client connect")
    logging.getLogger("mitmproxy.proxy.server").warning("q7x9.example")
    assert log.getvalue() == ""


def test_what_keeps_it_from_starting_is_told(log):
    quiet.hush()
    logging.getLogger("mitmproxy.addons.proxyserver").error("address already in use")
    assert "address already in use" in log.getvalue()


def test_once_it_runs_an_error_tells_where_and_not_what(log):
    quiet.hush()
    quiet.withhold()
    logging.getLogger("mitmproxy.addonmanager").error("Addon error: q7x9.example")
    assert "q7x9" not in log.getvalue()
    assert "test_quiet.py" in log.getvalue()


def test_our_own_words_are_told(log):
    quiet.hush()
    quiet.withhold()
    logging.getLogger("cop_filter.proxy").info("filtering")
    assert "filtering" in log.getvalue()
