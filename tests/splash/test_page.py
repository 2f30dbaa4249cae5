"""The page: what it says, what it never says, and how it may be shown."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from verdicts import ALLOW, BLOCK, OPERATOR

from cop_filter.splash.language import translations
from cop_filter.splash.page import render
from cop_filter.verdict import LegalBasis


class Outline(HTMLParser):
    """The tags, attributes and visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style":
            self.words += data


def outline(page) -> Outline:
    return Outline(page.body.decode())


def test_the_status_is_451_and_names_who_blocks():
    page = render(BLOCK, OPERATOR, "en")
    assert page.status == 451
    assert page.headers["Link"] == '<https://isp.example/appeal>; rel="blocked-by"'


def test_it_is_neither_stored_nor_sniffed_nor_leaked_by_its_links():
    headers = render(BLOCK, OPERATOR, "en").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Vary"] == "Accept-Language"
    assert headers["Content-Type"] == "text/html; charset=utf-8"


def test_it_shows_reason_authority_basis_and_contacts():
    words = outline(render(BLOCK, OPERATOR, "en")).words
    for expected in (
        "Example Hotline keeps",
        "sexual abuse of children",
        "by its own decision",
        "Nobody is recorded",
        "https://hotline.example",
        "https://isp.example/appeal",
        "Child safety officer, safety@isp.example",
    ):
        assert expected in words


@pytest.mark.parametrize("basis", LegalBasis)
@pytest.mark.parametrize("language", translations())
def test_every_legal_basis_has_its_own_words(basis, language):
    texts = {render(BLOCK._replace(legal_basis=each), OPERATOR, language).body for each in LegalBasis}
    assert len(texts) == len(LegalBasis)


def test_an_unknown_category_is_described_in_neutral_words():
    words = outline(render(BLOCK._replace(category="something-new"), OPERATOR, "en")).words
    assert "something-new" not in words
    assert "Example Hotline keeps of addresses to be blocked" in words


def test_a_category_may_be_written_with_hyphens():
    assert "harm themselves" in outline(render(BLOCK._replace(category="Self-Harm"), OPERATOR, "en")).words


@pytest.mark.parametrize("verdict", [None, ALLOW], ids=["unknown", "allowed"])
def test_without_a_list_the_page_gives_no_reason_but_still_all_contacts(verdict):
    page = render(verdict, OPERATOR, "en")
    words = outline(page).words
    assert page.status == 451
    assert "Why" not in words
    assert "https://hotline.example" in words
    assert "https://isp.example/appeal" in words


def test_two_entries_of_one_list_give_the_same_bytes_so_nothing_is_derived_from_them():
    other = BLOCK._replace(reference="ffff", kind=None, spelling=None, generation=99)
    assert render(BLOCK, OPERATOR, "en") == render(other, OPERATOR, "en")


def test_the_reference_of_the_entry_is_not_shown():
    assert str(BLOCK.reference).encode() not in render(BLOCK, OPERATOR, "en").body


@pytest.mark.parametrize("language", translations())
@pytest.mark.parametrize("verdict", [BLOCK, None], ids=["listed", "generic"])
def test_it_is_self_contained_without_scripts_or_outside_resources(verdict, language):
    page = outline(render(verdict, OPERATOR, language))
    assert not {"script", "img", "link", "iframe", "object", "form", "input", "video"} & set(page.tags)
    names = {name for name, _ in page.attributes}
    assert not {"src", "srcset", "style", "action"} & names
    assert not any(name.startswith("on") for name in names)
    style = re.search(r"<style>(.*)</style>", render(verdict, OPERATOR, language).body.decode(), re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


@pytest.mark.parametrize("language", translations())
def test_a_screen_reader_finds_language_title_main_and_one_top_heading(language):
    page = outline(render(BLOCK, OPERATOR, language))
    assert page.tags.count("h1") == 1
    assert page.tags.count("main") == 1
    assert page.tags.count("title") == 1
    assert ("lang", language) in page.attributes
    labels = [value for name, value in page.attributes if name == "aria-labelledby"]
    identifiers = [value for name, value in page.attributes if name == "id"]
    assert labels == identifiers
    assert len(set(labels)) == page.tags.count("h2")


def test_an_authority_cannot_smuggle_markup_into_the_page():
    page = render(BLOCK._replace(authority="<script>x</script>{operator}"), OPERATOR, "en")
    assert b"<script>" not in page.body
    assert b"&lt;script&gt;x&lt;/script&gt;{operator}" in page.body


def test_only_what_may_leave_a_header_enters_the_link():
    operator = OPERATOR.__class__("Näme", "officer", "https://isp.example/réclamations?a=<b>", "tel:116111")
    assert render(BLOCK, operator, "en").headers["Link"] == (
        '<https://isp.example/r%C3%A9clamations?a=>; rel="blocked-by"'
    )


def test_the_hotline_is_never_named_as_the_blocker():
    operator = OPERATOR.__class__(
        "Example Net", "the head of the school", "by letter", "https://hotline.example"
    )
    assert "Link" not in render(BLOCK, operator, "en").headers


@given(accept_language=st.text(max_size=60))
def test_any_accept_language_gives_a_page(accept_language):
    assert render(BLOCK, OPERATOR, accept_language).headers["Content-Language"] in translations()
