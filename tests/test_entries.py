"""The grammar of list entries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter import entries
from cop_filter.entries import Entry, parse, parse_as, parse_many
from cop_filter.errors import InvalidEntry
from cop_filter.verdict import Kind


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("bad.example", Entry(Kind.DOMAIN, "bad.example")),
        (" Bad.EXAMPLE. ", Entry(Kind.DOMAIN, "bad.example", tag=parse("Bad.EXAMPLE.").tag)),
        ("bücher.example", Entry(Kind.DOMAIN, "xn--bcher-kva.example")),
        ("_dmarc.bad.example", Entry(Kind.DOMAIN, "_dmarc.bad.example")),
        ("*.bad.example", Entry(Kind.DOMAIN, "bad.example", only_below=True)),
        ("=www.bad.example", Entry(Kind.HOST, "www.bad.example")),
        ("http://h.example/p", Entry(Kind.URL, "h.example/p")),
        ("https://h.example/p?a=1&b=2", Entry(Kind.URL, "h.example/p?a=1&b=2")),
        ("h.example/p", Entry(Kind.URL, "h.example/p")),
        ("h.example:8080/p", Entry(Kind.URL, "h.example/p", tag=parse("h.example:8080/p").tag)),
        ("http://h.example/p?*", Entry(Kind.URL, "h.example/p", any_query=True)),
        ("http://h.example/dir/?*", Entry(Kind.URL, "h.example/dir/", any_query=True)),
        ("http://h.example?*", Entry(Kind.URL, "h.example/", any_query=True)),
        ("http://h.example/dir/", Entry(Kind.PREFIX, "h.example/dir/")),
        ("h.example/dir/", Entry(Kind.PREFIX, "h.example/dir/")),
        ("http:\\\\h.example\\dir\\", Entry(Kind.PREFIX, "h.example/dir/")),
        ("http://h.example/a/*/b", Entry(Kind.PATTERN, "h.example/a/*/b")),
        ("http://h.example/a/*?*", Entry(Kind.PATTERN, "h.example/a/*", any_query=True)),
        ("http://h.example/a*?x=1", Entry(Kind.PATTERN, "h.example/a*?x=1")),
        ("http://192.0.2.7/p", Entry(Kind.URL, "192.0.2.7/p")),
        ("192.0.2.7/p", Entry(Kind.URL, "192.0.2.7/p")),
        ("http://192.0.2.7/24", Entry(Kind.URL, "192.0.2.7/24")),
        ("[2001:db8::7]/p", Entry(Kind.URL, "[2001:db8::7]/p")),
    ],
)
def test_an_entry_reads_as_its_spelling_says(text: str, entry: Entry) -> None:
    assert parse(text) == entry


@pytest.mark.parametrize(
    "text", ["http://h.example", "http://h.example/", "h.example/", "http://h.example/a/../"]
)
def test_the_root_page_is_a_page_and_never_the_whole_host(text: str) -> None:
    entry = parse(text)
    assert (entry.kind, entry.key) == (Kind.URL, "h.example/")


@pytest.mark.parametrize(
    "text",
    [
        "http://h.example/dir/?",
        "http://h.example/dir/#top",
        "http://h.example/dir/#/",
        "http://h.example/dir/a/..",
    ],
)
def test_only_a_text_that_itself_ends_in_a_slash_is_a_prefix(text: str) -> None:
    entry = parse(text)
    assert (entry.kind, entry.key, entry.any_query) == (Kind.URL, "h.example/dir/", False)


def test_an_empty_query_marks_a_page_and_is_no_spelling_of_it() -> None:
    assert parse("http://h.example/dir/?") == Entry(Kind.URL, "h.example/dir/", tag=0)


def test_a_star_is_literal_when_escaped_and_in_queries() -> None:
    assert parse("http://h.example/a%2Ab")[:2] == (Kind.URL, "h.example/a*b")
    assert parse("http://h.example/p?q=*x")[:2] == (Kind.URL, "h.example/p?q=*x")
    assert parse("http://h.example/p#?*")[:2] == (Kind.URL, "h.example/p")
    assert not parse("http://h.example/p#?*").any_query


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("=", "empty"),
        ("*.", "empty"),
        ("192.0.2.7", "address"),
        ("0xc0000207", "address"),
        ("=192.0.2.7", "address"),
        ("*.192.0.2.7", "address"),
        ("2001:db8::7", "address"),
        ("[2001:db8::7]", "address"),
        ("192.0.2.0/24", "address"),
        ("10/8", "address"),
        ("example", "single label"),
        ("*.example", "single label"),
        ("n/a", "single label"),
        ("bad.example:8080", "no name"),
        ("bad.example?x=1", "no name"),
        ("user@bad.example", "no name"),
        ("||bad.example^", "no name"),
        ("*bad.example", "no name"),
        ("*.*.bad.example", "no name"),
        ("*.bad.example/p", "no name"),
        ("1,http://bad.example/p", "no name"),
        ("bad.example other.example", "white space"),
        ("http://bad.example/my page", "white space"),
        ("bad\t.example", "white space"),
        ("bad.example\x00", "white space"),
        ("\ud800.example", "white space"),
        ("http://bad.example/\udfff", "white space"),
        ("mailto:someone@bad.example/", "scheme"),
        ("file:///bad.example/p", "scheme"),
        ("http:///", "no host"),
        ("2001:db8::/32", "address or a network"),
        ("a" * 64 + ".example", "63 bytes"),
        ("http://h.example/p?a=1?*", "query before"),
        ("http://h.example/a%3Fb?*", "query before"),
        ("http://h.example/*", "nothing but wildcards"),
        ("http://h.example/*/*/", "nothing but wildcards"),
        ("http://h.example/a/**", "in a row"),
        ("http://h.example/a%2A/*", "escaped"),
        ("http://h.example/a/*/../b", "vanishes"),
        ("http://h.example/a/*?x=*", "in its query"),
    ],
)
def test_what_is_no_entry_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidEntry, match=reason):
        parse(text)


def test_many_texts_are_read_in_their_places() -> None:
    texts = [
        "a.example",
        "http://h.example/p",
        "=b.example",
        "1.2.3.4",
        "*.c.example",
        "h.example/d/",
        "bü.example",
    ]
    results = parse_many([*texts, "\ud800"])
    assert [isinstance(result, InvalidEntry) for result in results] == [
        text == "1.2.3.4" for text in texts
    ] + [True]
    assert [result for result in results if isinstance(result, Entry)] == [
        parse(text) for text in texts if text != "1.2.3.4"
    ]
    assert parse_many([]) == []


@given(
    st.lists(
        st.one_of(st.text(), st.from_regex(r"(http://|=|\*\.)?[a-z.*/?#:\\ \[\]%é]{0,12}", fullmatch=True))
    )
)
def test_reading_many_is_reading_each(texts: list[str]) -> None:
    together = parse_many(texts)
    alone = [parse_many([text])[0] for text in texts]
    assert [str(result) for result in together] == [str(result) for result in alone]


@given(
    st.lists(
        st.from_regex(
            r"(https?://)?[A-Za-z0-9_.:@xn-]{1,16}(/[a-zA-Z.*%2A?#=/\\\[\]'|^é -]{0,15})?", fullmatch=True
        ),
        max_size=4,
    )
)
def test_the_short_cut_for_ordinary_lines_reads_them_as_the_grammar_does(texts: list[str]) -> None:
    # The grammar as a whole, which the native reading is a short cut of.
    by_definition = entries._by_definition(texts)
    assert [str(result) for result in parse_many(texts)] == [str(result) for result in by_definition]


@given(st.text(), st.text())
def test_a_refusal_never_repeats_the_text(before: str, after: str) -> None:
    secret = "zqxsecretxqz"
    for text in (before + secret + after, "http://" + before + secret + "/" + after):
        result = parse_many([text])[0]
        if isinstance(result, InvalidEntry):
            assert secret not in repr(result).lower()
            assert result.__cause__ is result.__context__ is None


@given(st.from_regex(r"(http://)?[a-z0-9.*-]{1,15}(/[a-z.*%2A?#=/\\]{0,15})?", fullmatch=True))
def test_only_what_was_written_as_a_name_covers_a_host(text: str) -> None:
    result = parse_many([text])[0]
    if isinstance(result, Entry):
        assert (result.kind in (Kind.DOMAIN, Kind.HOST)) == ("/" not in text and "\\" not in text)
        assert result.kind is not Kind.PREFIX or result.key.partition("/")[2] != ""


def test_a_declared_kind_narrows_what_a_text_means() -> None:
    assert parse_as("host", "bad.example") == Entry(Kind.HOST, "bad.example")
    assert parse_as("domain", "bad.example") == Entry(Kind.DOMAIN, "bad.example")
    assert parse_as("url", "http://h.example/dir/") == Entry(Kind.URL, "h.example/dir/")
    assert parse_as("prefix", "http://h.example/dir/") == Entry(Kind.PREFIX, "h.example/dir/")


@pytest.mark.parametrize(
    ("kind", "text"),
    [("url", "bad.example"), ("domain", "http://bad.example/"), ("prefix", "http://h.example/p"),
     ("host", "http://h.example/p"), ("image", "http://h.example/p")],
)  # fmt: skip
def test_a_declared_kind_never_widens_and_must_be_true(kind: str, text: str) -> None:
    with pytest.raises(InvalidEntry):
        parse_as(kind, text)


def test_a_keyword_is_one_long_word() -> None:
    assert parse_as("keyword", "SampleWord") == Entry(Kind.KEYWORD, "sampleword")
    assert parse_as("keyword", "sample-word") == Entry(Kind.KEYWORD, "sample-word")
    for text in ("abc", "", "two words", "bücher", "-sample", "a/bcd", "sample*"):
        with pytest.raises(InvalidEntry, match="a keyword"):
            parse_as("keyword", text)
