"""Canonical form: the published vectors, what browsers treat alike, and what holds for any bytes."""

# ruff: noqa: RUF001 - spellings that look alike are what is tested here

import json
import random
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cop_filter import _native
from cop_filter.errors import InvalidUrl
from cop_filter.names import (
    canonical_host,
    canonical_hosts,
    canonical_url,
    canonical_urls,
    safe_browsing_expressions,
)
from cop_filter.verdict import Spelling

VECTORS = json.loads((Path(__file__).parent / "data" / "safe_browsing.json").read_text())


@pytest.mark.parametrize(
    "case", VECTORS["canonical"] + VECTORS["canonical_more"], ids=lambda case: repr(case["url"])[:40]
)
def test_a_published_vector_has_its_canonical_form(case):
    assert canonical_url(case["url"]).text == case["canonical"]


@pytest.mark.parametrize("case", VECTORS["canonical_raw_bytes"], ids=lambda case: case["url_hex"])
def test_a_published_vector_of_raw_bytes_has_its_canonical_form(case):
    assert canonical_url(bytes.fromhex(case["url_hex"])).text == case["canonical"]


@pytest.mark.parametrize("case", VECTORS["ipv4_host_forms"], ids=lambda case: case["host"])
def test_an_ipv4_host_in_any_radix_becomes_four_decimals(case):
    host = canonical_host(case["host"])
    assert (host.name if host.is_address else None) == case["ipv4"]


@pytest.mark.parametrize("url", VECTORS["invalid"], ids=repr)
def test_a_published_invalid_url_is_refused(url):
    with pytest.raises(InvalidUrl):
        canonical_url(url)


@pytest.mark.parametrize("case", VECTORS["expressions"], ids=lambda case: case["url"])
def test_a_published_vector_has_its_expressions(case):
    expressions = safe_browsing_expressions(canonical_url(case["url"]))
    assert sorted(expressions) == sorted(case["expressions"])


ALIKE = [
    "http://bad.example/dir/page?q=1",
    "HTTP://BAD.EXAMPLE/dir/page?q=1",
    "https://bad.example/dir/page?q=1",
    "https://bad.example:443/dir/page?q=1",
    "http:\\\\bad.example\\dir\\page?q=1",
    "http:/bad.example/dir/page?q=1",
    "http:bad.example/dir/page?q=1",
    "  http://bad.example/dir/page?q=1\n",
    "ht\ntp://bad.ex\tample/dir/pa\rge?q=1",
    "http://bad.example/x/../dir/./page?q=1",
    "http://bad.example/x/%2e%2E/dir/%2e/page?q=1",
    "http://bad.example/dir/page?q=1#fragment",
    "http://ｂａｄ.example/dir/page?q=1",
    "http://bad。example/dir/page?q=1",
    "http://bad．example/dir/page?q=1",
    "http://bad｡example/dir/page?q=1",
    "http://b%61d.example/dir/page?q=1",
    "ws://bad.example/dir/page?q=1",
]

FOLDED = [
    "http://bad.example/dir/p%61ge?q=1",
    "http://bad.example/dir/p%2561ge?q=1",
    "http://bad.example/dir//page?q=1",
    "http://bad.example//dir/page?q=1",
    "http://bad.example/dir%2fpage?q=1",
    "http://bad.example./dir/page?q=1",
    "http://..bad..example../dir/page?q=1",
    "http://bad.example:8080/dir/page?q=1",
    "http://user:password@bad.example/dir/page?q=1",
    "http://bad.example/dir/page%3fq=1",
    "http://b%2561d.example/dir/page?q=1",
]


@pytest.mark.parametrize("url", ALIKE)
def test_what_browsers_treat_alike_is_one_exact_key(url):
    canonical = canonical_url(url)
    assert (canonical.key, canonical.spelling) == ("bad.example/dir/page?q=1", Spelling.EXACT)


@pytest.mark.parametrize("url", FOLDED)
def test_what_only_folding_makes_alike_is_one_folded_key(url):
    canonical = canonical_url(url)
    assert (canonical.key, canonical.spelling) == ("bad.example/dir/page?q=1", Spelling.FOLDED)


@pytest.mark.parametrize(
    "host",
    ["192.0.2.1", "0xc0.0.2.1", "0300.0.02.1", "3221225985", "0xC0000201", "192.0.513", "[::ffff:192.0.2.1]",
     "[::ffff:c000:201]", "１９２.0.2.1", "192。0。2。1"],
)  # fmt: skip
def test_every_spelling_of_an_ipv4_address_is_one_exact_key(host):
    canonical = canonical_url(f"http://{host}/")
    assert (canonical.host, canonical.spelling) == ("192.0.2.1", Spelling.EXACT)


def test_an_ipv6_address_is_written_as_in_rfc_5952():
    assert canonical_url("http://[2001:DB8:0:0::0001]:80/").host == "[2001:db8::1]"
    assert canonical_host("2001:db8:0::1") == ("[2001:db8::1]", canonical_host("2001:db8:0::1").tag, True)


def test_a_nat64_address_is_its_ipv4_address_and_counts_as_folded():
    canonical = canonical_url("http://[64:ff9b::192.0.2.1]/")
    assert (canonical.host, canonical.spelling) == ("192.0.2.1", Spelling.FOLDED)


def test_a_lone_question_mark_asks_for_the_same_page():
    canonical = canonical_url("http://bad.example/page?")
    assert (canonical.text, canonical.key) == ("http://bad.example/page?", "bad.example/page")
    assert canonical.spelling is Spelling.FOLDED


def test_a_host_with_a_port_needs_no_scheme():
    assert canonical_url("bad.example:8080/page").key == "bad.example/page"
    assert canonical_url("bad.example:/page").key == "bad.example/page"


def test_a_decoded_backslash_is_no_slash():
    assert canonical_url("http://bad.example/a%5Cb").key == "bad.example/a%5Cb"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        ("http://", "no host"),
        ("http://...", "no host"),
        ("javascript:alert(1)", "scheme"),
        ("file:///bad.example", "scheme"),
        ("gopher://bad.example/", "scheme"),
        ("http://bad.example:99999/", "port"),
        ("http://bad.example:http/", "port"),
        ("http://[2001:db8::1", "IPv6"),
        ("http://[fe80::1%25eth0]/", "IPv6"),
        ("http://" + "a." * 130 + "example/", "253"),
        ("http://" + "a" * 64 + ".example/", "63"),
        ("http://bad.example/" + "a" * 65536, "64 KiB"),
        ("http://bad.example/" + "%01" * 10000 + "\x01" * 20000 + "a", "64 KiB"),
    ],
)
def test_an_invalid_url_is_refused_with_the_reason_and_without_its_text(url, reason):
    with pytest.raises(InvalidUrl, match=reason) as refused:
        canonical_url(url)
    assert "bad.example" not in str(refused.value)


def test_the_longest_legal_host_and_url_are_valid():
    host = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert canonical_host(host).name == host
    url = "http://bad.example/"
    assert len(canonical_url(url + "a" * (65536 - len(url))).text) == 65536


def test_escapes_nested_thousands_deep_are_decoded_in_linear_time():
    nested = "http://bad.example/" + "%25" * 20000 + "41"
    assert canonical_url(nested).key == "bad.example/" + "%25" * 19999 + "A"
    assert canonical_url("http://bad.example/%" + "25" * 30000 + "41").key == "bad.example/A"


def test_surrogates_smuggled_into_text_are_the_bytes_they_stand_for():
    raw = b"http://bad.example/\xff"
    assert canonical_url(raw.decode("utf-8", "surrogateescape")) == canonical_url(raw)
    assert canonical_url("http://bad.example/\ud800").key == "bad.example/%ED%A0%80"


def test_batches_give_what_single_calls_give():
    urls = [*ALIKE, "", "http://", *FOLDED]
    for url, result in zip(urls, canonical_urls(urls), strict=True):
        if isinstance(result, InvalidUrl):
            with pytest.raises(InvalidUrl, match=str(result)):
                canonical_url(url)
        else:
            assert result == canonical_url(url)
    good, bad = canonical_hosts(["BAD.example", ""])
    assert good == canonical_host("bad.example")
    assert isinstance(bad, InvalidUrl)


# Pieces that meet each rule of the canonical form, in any order.
PIECES = st.sampled_from(
    ["http://", "https:", "//", "/", "\\", "?", "#", "%", "%25", "%2e", "%2F", "%3f", "%5c", "2", "5", "e",
     ".", "..", "a", "Z", "bad.example", "xn--mlat-zra", "ü", "。", "．", "％", "℀", "ß", "0x7f", "010", "1",
     ":", "@", "[", "]", "::1", "::ffff:", " ", "\t", "\n", "\x00", "\x7f", "\ud800", "\u200d", "\u05d0"]
)  # fmt: skip
MESSY = st.lists(PIECES, max_size=30).map("".join)
ANY_TEXT = st.one_of(MESSY, MESSY.map(lambda text: "http://bad.example/" + text), st.text(st.characters()))


def again(canonical):
    return canonical_url(canonical.text)


@settings(max_examples=1500, deadline=None)
@given(ANY_TEXT)
@example("http://a%3Fb/..")
@example("http://h/..%3fx")
@example("http://bad％2eexample/")
def test_the_canonical_form_of_any_text_is_its_own_canonical_form(text):
    try:
        first = canonical_url(text)
    except InvalidUrl:
        return
    second = again(first)
    assert second.text == first.text
    assert second.key == first.key


@settings(max_examples=1500, deadline=None)
@given(ANY_TEXT)
def test_the_canonical_form_of_any_host_is_its_own_canonical_form(text):
    try:
        first = canonical_host(text)
    except InvalidUrl:
        return
    assert canonical_host(first.name).name == first.name


@settings(max_examples=1500, deadline=None)
@given(st.one_of(ANY_TEXT, MESSY.map(lambda t: f"https://{t}.example/{t}?{t}")))
def test_the_one_pass_reading_agrees_with_the_definition(text):
    try:
        definition = _native.canonical_text_by_definition(text)
    except ValueError:
        with pytest.raises(InvalidUrl):
            canonical_url(text)
        return
    canonical = canonical_url(text)
    assert (canonical.scheme, canonical.key) == definition


@settings(max_examples=500, deadline=None)
@given(MESSY)
def test_a_url_with_a_host_is_decided_by_the_same_host_as_the_host_alone(text):
    try:
        url = canonical_url("http://bad.example/" + text)
    except InvalidUrl:
        return
    assert url.host == canonical_host("bad.example").name


def test_a_hundred_thousand_random_byte_strings_neither_panic_nor_change_when_read_again():
    rng = random.Random(20261121)
    alphabet = b"http:/\\.%25eE?#@[]x0123456789abcXYZ \t\n\x00\x80\xff\xc3\xbc"
    valid = 0
    for _ in range(100_000):
        raw = (
            rng.randbytes(rng.randint(0, 40))
            if rng.random() < 0.3
            else bytes(rng.choices(alphabet, k=rng.randint(0, 60)))
        )
        if rng.random() < 0.6:
            raw = b"http://" + raw
        try:
            first = canonical_url(raw)
        except InvalidUrl:
            continue
        valid += 1
        assert again(first).text == first.text
    assert valid > 10_000
