"""The canonical form held against an independent WHATWG parser (ada, as in Node.js) and a second folding.

Both ways: what browsers take for one URL has one key and one spelling; and two URLs have one key only
where browsers, or the published Safe Browsing rules written down a second time here, make them one.
"""

# ruff: noqa: RUF001 - spellings that look alike are what is tested here

import itertools
import re
from collections import defaultdict
from urllib.parse import unquote_to_bytes

import can_ada
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from cop_filter.errors import InvalidUrl
from cop_filter.names import canonical_url
from cop_filter.verdict import Spelling

SCHEMES = st.sampled_from(
    ["http://", "https://", "HTTP://", "http:/", "http:", "http:\\\\", "wss:/\\", "ht\ttp://"]
)
USERS = st.sampled_from(["", "", "", "u@", "u:p@", "@", "u@v@"])
PORTS = st.sampled_from(["", "", ":", ":80", ":443", ":8080", ":080"])
LABEL_PARTS = st.sampled_from(
    ["bad", "BAD", "ｂａｄ", "b%61d", "b%2561d", "bücher", "ß", "\u00ad", "a", "1", "0x7f", "010", "127",
     "0", "256", "_", "-", "😀", "\t", "ﬁ"]
)  # fmt: skip
LABELS = st.one_of(
    st.lists(LABEL_PARTS, min_size=1, max_size=4).map("".join),
    st.sampled_from(["xn--bcher-kva", "XN--BCHER-KVA", "bad", "127", "1", "0"]),
)
DOTS = st.sampled_from([".", ".", "。", "．", "｡", "%2e", ".."])
HOSTS = st.lists(st.tuples(LABELS, DOTS), min_size=1, max_size=5).map(
    lambda parts: "".join(label + dot for label, dot in parts[:-1]) + parts[-1][0]
)
PIECES = st.sampled_from(
    ["/", "/", "//", "\\", "?", "%", "%25", "%2e", "%2E", "%2F", "%3f", "%5c", "%23", "%20", " ", "2", "5",
     "e", ".", "..", "/../", "/./", "/%2e%2e/", "a", "Z", "x", "ü", "%C3%BC", "%c3%bc", "。", "\t", "\n",
     "'", '"', "<", ">", "`", "{", "}", "^", "&", "=", "+", "#", "~", ";", "%7e", "%00", "\x01", "\x7f"]
)  # fmt: skip
TAILS = st.one_of(
    st.lists(PIECES, max_size=10).map(lambda pieces: "/" + "".join(pieces)),
    st.lists(PIECES, max_size=4).map(lambda pieces: "?" + "".join(pieces)),
    st.just(""),
)
URLS = st.builds("{}{}{}{}{}".format, SCHEMES, USERS, st.one_of(HOSTS, st.just("bad.example")), PORTS, TAILS)


def as_browsers_see(url):
    """What a browser makes of a URL, without its fragment; None: it is no URL for a browser."""
    try:
        parsed = can_ada.parse(url)
    except ValueError:
        return None
    parsed.hash = ""
    return parsed


def canonical(url):
    try:
        return canonical_url(url)
    except InvalidUrl:
        return None


@settings(max_examples=2500, deadline=None)
@given(URLS)
@example("http://bad.example/a//../b")
@example("http://bad.example/a%2Fb/../c")
@example("http://bad.example/a%5cb\\..\\c")
@example("http://bad.example/%2e%2E/%//../")
@example("http://ｂａｄ。xn--a.example/")
def test_what_a_browser_makes_of_a_url_has_the_same_key_and_spelling(url):
    seen = as_browsers_see(url)
    assume(seen is not None)
    # More than two slashes are invalid by the published vectors.
    assume(not re.match(r"[a-z]+:[/\\]{3}", url.replace("\t", ""), re.IGNORECASE))
    given_form, browsers_form = canonical(url), canonical(seen.href)
    assert (given_form is None) == (browsers_form is None)
    if given_form is not None:
        assert (given_form.key, given_form.tag) == (browsers_form.key, browsers_form.tag)
        if given_form.spelling is Spelling.EXACT:
            of_canonical = as_browsers_see(f"http://{given_form.key}")
            seen.protocol = "http"
            assert seen.href == of_canonical.href


def decoded(raw):
    while (further := unquote_to_bytes(raw)) != raw:
        raw = further
    return raw


def folded(seen):
    """The Safe Browsing rules over what a browser sees, in the plainest words: the reference."""
    host = re.sub(rb"\.+", b".", decoded(seen.hostname)).strip(b".").lower()
    path, _, query = decoded(seen.href.removeprefix(seen.origin)).partition(b"?")
    segments = []
    *directories, last = path.split(b"/")
    for segment in [*directories, last]:
        if segment == b"..":
            del segments[-1:]
        elif segment not in (b"", b"."):
            segments.append(segment)
    ends_in_directory = last in (b"", b".", b"..")
    return host, tuple(segments), ends_in_directory or not segments, query


SPELLINGS = [
    "/",
    "\\",
    "?",
    "%2e",
    ".",
    "..",
    "%2F",
    "%3f",
    "%5c",
    "a",
    "A",
    "%61",
    "%2561",
    "%26",
    "&",
    "#",
    "%25",
]


def test_two_urls_have_one_key_only_where_the_published_rules_make_them_one():
    keys, references = defaultdict(set), defaultdict(set)
    for length in range(4):
        for pieces in itertools.product(SPELLINGS, repeat=length):
            url = "http://bad.example/" + "".join(pieces)
            key, reference = canonical_url(url).key, folded(as_browsers_see(url))
            keys[reference].add(key)
            references[key].add(reference)
    assert [same for same in references.values() if len(same) > 1] == []
    assert [same for same in keys.values() if len(same) > 1] == []
    assert len(keys) > 500
