"""An entry's text says the entry, whatever spelling it came in."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cop_filter.entries import Entry, parse_as, parse_many
from cop_filter.entry_text import text_of
from cop_filter.errors import InvalidEntry

_URLS = st.from_regex(r"(http://|https://)?[a-z0-9.-]{1,12}(/[a-z.*%2A3F5C?#=/\\é]{0,20})?", fullmatch=True)
_NAMES = st.from_regex(r"(=|\*\.)?[a-zA-Z0-9é-]{1,8}\.[a-z]{2,6}", fullmatch=True)


@given(_URLS | _NAMES | st.text())
@example("http://h.example/d/%3F%2F../")
@example("http://h.example/a%2Ab")
@example("http://h.example/p?%2A")
@example("http://h.example/d%2A/")
@example("http://h.example/d%3F/")
@example("http://h.example/dir/?")
@example("http://h.example/dir/?*")
@example("http://h.example/x%3F")
@example("http://h.example/x%3Fy?*")
@example("http://h.example/a%3F*b")
@example("http://h.example/*/x%3F")
@example("http://h.example/*b?q")
@example("http://h.example/d%5C")
@example("http://h.example/a?b\\")
@example("http://h.example/")
@example("http://h.example/?*")
@example("http://h.example/a%2F")
@example("http://h.example/%25252A?%25252A")
@example("http://[2001:db8::1]/x/")
@example("*.bad.example")
@example("=www.bad.example")
def test_the_text_of_an_entry_is_read_back_as_the_same_entry(text: str):
    entry = parse_many([text])[0]
    if isinstance(entry, InvalidEntry):
        return
    with contextlib.suppress(InvalidEntry):
        said = text_of(entry)
        assert _untagged(said) == entry._replace(tag=0)
        assert said.isascii()
        assert text_of(_untagged(said)) == said


def _untagged(text: str) -> Entry:
    entry = parse_many([text])[0]
    assert isinstance(entry, Entry)
    return entry._replace(tag=0)


def test_a_keyword_has_no_text():
    with pytest.raises(InvalidEntry, match="keyword"):
        text_of(parse_as("keyword", "wordle"))


@pytest.mark.parametrize("text", ["http://h.example/a%2Ab", "http://h.example/x%3F", "http://h.example/d%5C"])
def test_escapes_are_no_reason_to_refuse(text: str):
    assert _untagged(text_of(_untagged(text))) == _untagged(text)
