"""Logging that cannot write down who asked for what, whatever a library puts into its messages."""

import io
import logging
from collections.abc import Iterator

import pytest

from cop_filter import logs
from cop_filter.errors import StateError


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    # Taken out first: setting up closes what it replaces, and these are pytest's.
    root.handlers[:] = []
    logs.set_up(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)


def test_our_own_messages_are_written_whole(written: io.StringIO) -> None:
    logging.getLogger("cop_filter.sync").info("list %s published", "national")
    assert written.getvalue().endswith(" INFO cop_filter.sync: list national published\n")


def test_a_librarys_message_is_withheld_and_only_its_place_is_told(written: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.7")
    text = written.getvalue()
    assert "192.0.2.7" not in text
    assert "ERROR aiohttp.server: (message withheld, test_logs.py:" in text


@pytest.mark.parametrize("logger", ["cop_filter.splash", "asyncio"])
def test_an_exceptions_text_is_withheld_and_its_type_and_place_are_told(
    written: io.StringIO, logger: str
) -> None:
    try:
        raise ValueError("http://bad.example/page")
    except ValueError:
        logging.getLogger(logger).exception("failed")
    text = written.getvalue()
    assert "bad.example" not in text
    assert "ValueError\n" in text
    assert f"{__file__}:" in text


def test_the_text_of_our_own_exceptions_is_clean_by_rule_and_told(written: io.StringIO) -> None:
    try:
        raise StateError("run `cop-filter sync`")
    except StateError:
        logging.getLogger("cop_filter.dns").exception("failed")
    assert "StateError: run `cop-filter sync`\n" in written.getvalue()
