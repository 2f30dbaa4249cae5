"""Choosing the page's language, and the translation files."""

import string

import pytest

from cop_filter.splash import language
from cop_filter.splash.language import choose, translations


@pytest.mark.parametrize(
    ("accept_language", "expected"),
    [
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("FR-be", "fr"),
        ("en;q=0.3, fr;q=0.9", "fr"),
        ("fr;q=0.3, en-GB;q=0.9", "en"),
        ("de, fr;q=0.5", "fr"),
        ("fr;q=0, en", "en"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("*, fr", "en"),
        ("*;q=0.1, fr;q=0.5", "fr"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=nan, en;q=0.1", "en"),
        ("fr;q=2, en;q=0.1", "en"),
        ("fr;level=1, en;q=0.1", "en"),
        (",;,;;=,", "en"),
        ("\x00é🙂", "en"),
    ],
)
def test_the_most_wanted_language_that_ships_is_chosen(accept_language, expected):
    assert choose(accept_language).language == expected


def test_a_hundred_thousand_languages_are_not_read():
    assert choose("de," * 100_000 + "fr").language == "en"


def shape(texts):
    return {table: set(keys) for table, keys in texts.items()}


def placeholders(text):
    return {field for _, field, _, _ in string.Formatter().parse(text) if field is not None}


@pytest.mark.parametrize("tag", translations())
def test_every_translation_has_the_texts_of_the_first_and_no_others(tag):
    assert shape(translations()[tag].texts) == shape(translations()[language.FALLBACK].texts)


@pytest.mark.parametrize("tag", translations())
def test_every_translation_uses_only_known_names(tag):
    for keys in translations()[tag].texts.values():
        for text in keys.values():
            assert placeholders(text) <= {"operator", "authority"}


def test_a_right_to_left_language_turns_the_page_round():
    assert language._direction("ar") == "rtl"
    assert language._direction("fr") == "ltr"
    assert language._direction("xx-unknown") == "ltr"
