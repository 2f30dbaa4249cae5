"""Logging that cannot write down who asked for what, whatever a library puts into its messages."""

import io
import logging
import warnings
from collections.abc import Iterator

import pytest

from cop_filter import logs
from cop_filter.errors import StateError


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, shown = root.handlers[:], root.level, warnings.showwarning
    stream = io.StringIO()
    # Taken out first: setting up closes what it replaces, and these are pytest's.
    root.handlers[:] = []
    logs.set_up(stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    warnings.showwarning = shown


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


def test_another_handlers_rendering_of_an_exception_is_not_repeated(written: io.StringIO) -> None:
    record = logging.LogRecord("cop_filter.dns", logging.ERROR, __file__, 1, "failed", (), None)
    record.exc_text = "ValueError: bad.example"
    logging.getLogger("cop_filter.dns").handle(record)
    assert "bad.example" not in written.getvalue()


def test_one_place_in_the_code_cannot_fill_the_disk() -> None:
    now = 0.0
    sparing = logs.Sparing(most=3, within_s=60, clock=lambda: now)

    def said(line: int) -> str | None:
        record = logging.LogRecord("asyncio", logging.ERROR, __file__, line, "no room", (), None)
        return record.getMessage() if sparing.filter(record) else None

    last = "no room (more of these are not written for now)"
    assert [said(1) for _ in range(5)] == ["no room", "no room", last, None, None]
    assert said(2) == "no room"
    now = 61.0
    assert said(1) == "no room"
