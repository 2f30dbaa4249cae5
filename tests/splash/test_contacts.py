"""Contacts as texts and links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.splash.contacts import Run, first_uri, runs


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("https://isp.example/appeal", (Run("https://isp.example/appeal", "https://isp.example/appeal"),)),
        (
            "Officer, safety@isp.example",
            (Run("Officer, "), Run("safety@isp.example", "mailto:safety@isp.example")),
        ),
        (
            "See https://isp.example/a.",
            (Run("See "), Run("https://isp.example/a", "https://isp.example/a"), Run(".")),
        ),
        ("tel:116111", (Run("tel:116111", "tel:116111"),)),
        ("the head of the school", (Run("the head of the school"),)),
        ("javascript:alert(1)", (Run("javascript:alert(1)"),)),
        ("", ()),
    ],
)
def test_addresses_become_links_and_words_stay_words(contact, expected):
    assert runs(contact) == expected


@given(st.text())
def test_no_character_of_a_contact_is_lost(contact):
    assert "".join(run.text for run in runs(contact)) == contact


@given(st.text())
def test_a_link_is_ascii_and_cannot_end_a_header_or_an_attribute(contact):
    uri = first_uri("https://isp.example/" + contact)
    assert uri is not None
    assert uri.isascii()
    assert not set(uri) & set('<>"\r\n ')


def test_the_first_contact_that_leads_somewhere_is_taken():
    assert first_uri("by letter", "Officer, a@isp.example") == "mailto:a@isp.example"
    assert first_uri("by letter", "by phone") is None
