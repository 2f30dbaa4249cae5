"""The index: what each kind of entry matches and what it does not, and which files are refused."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop_filter.entries import Entry, parse
from cop_filter.errors import IndexRefused
from cop_filter.index import Builder, RecordKind, as_tuple, code, open_index, read_code
from cop_filter.names import canonical_host
from cop_filter.verdict import Kind

KEY = bytes(range(32))


def build(path, *texts, key=KEY):
    builder = Builder(key)
    builder.add(0, [parse(text) for text in texts])
    builder.settle(1)
    builder.write(str(path))
    return open_index(str(path), key)


def kinds(codes):
    return [read_code(value)[1] for value in as_tuple(codes)]


def entry_kinds(codes):
    return [kind for kind in kinds(codes) if kind not in (RecordKind.PAGES, RecordKind.PATTERNS)]


def test_a_domain_entry_matches_the_host_and_its_subdomains_only(tmp_path):
    index = build(tmp_path / "index", "bad.example")
    for host in ("bad.example", "www.bad.example", "a.b.c.bad.example", "_sip._tcp.BAD.example"):
        assert kinds(index.match_host(host)) == [RecordKind.DOMAIN]
    for host in ("example", "notbad.example", "bad.example.test", "bad-example", "badexample"):
        assert index.match_host(host) is None


def test_an_entry_for_subdomains_spares_the_name_itself(tmp_path):
    index = build(tmp_path / "index", "*.bad.example")
    assert kinds(index.match_host("www.bad.example")) == [RecordKind.BELOW]
    assert index.match_host("bad.example") is None


def test_a_host_entry_matches_that_host_only(tmp_path):
    index = build(tmp_path / "index", "=www.bad.example")
    assert kinds(index.match_host("www.bad.example")) == [RecordKind.HOST]
    assert index.match_host("bad.example") is None
    assert index.match_host("a.www.bad.example") is None


def test_a_page_entry_matches_the_page_with_its_query_only(tmp_path):
    index = build(tmp_path / "index", "http://h.example/p", "http://h.example/q?x=1")
    assert entry_kinds(index.match_url("https://h.example/p")) == [RecordKind.URL]
    assert entry_kinds(index.match_url("http://h.example/p?")) == [RecordKind.URL]
    assert entry_kinds(index.match_url("http://h.example/q?x=1")) == [RecordKind.URL]
    for url in ("p?x=1", "p/", "p/q", "q", "q?x=2", "P", "", "pp"):
        assert entry_kinds(index.match_url(f"http://h.example/{url}")) == []
    assert index.match_url("http://www.h.example/p") is None


def test_a_page_entry_for_any_query_matches_with_and_without_one(tmp_path):
    index = build(tmp_path / "index", "http://h.example/p?*")
    for query in ("", "?", "?a=1", "?a=1&b=/../"):
        assert entry_kinds(index.match_url(f"http://h.example/p{query}")) == [RecordKind.URL_ANY_QUERY]
    assert entry_kinds(index.match_url("http://h.example/p/x?a=1")) == []


def test_a_prefix_entry_matches_at_a_segment_boundary(tmp_path):
    index = build(tmp_path / "index", "http://h.example/dir/")
    for path in ("dir/", "dir/a", "dir/a/b?c=d", "x/../dir/a"):
        assert entry_kinds(index.match_url(f"http://h.example/{path}")) == [RecordKind.PREFIX]
    for path in ("dir", "directory/", "dir.html", "", "a/dir/"):
        assert entry_kinds(index.match_url(f"http://h.example/{path}")) == []


def test_a_root_page_entry_never_matches_the_rest_of_its_host(tmp_path):
    index = build(tmp_path / "index", "http://h.example/")
    assert entry_kinds(index.match_url("http://h.example")) == [RecordKind.URL]
    assert entry_kinds(index.match_url("http://h.example/other")) == []


def test_a_host_with_page_entries_is_known_to_have_them(tmp_path):
    index = build(tmp_path / "index", "http://h.example/p", "http://i.example/a/*/b")
    assert kinds(index.match_host("h.example")) == [RecordKind.PAGES]
    assert set(kinds(index.match_host("i.example"))) == {RecordKind.PAGES, RecordKind.PATTERNS}
    assert index.match_host("www.h.example") is None


def test_the_most_specific_match_comes_first(tmp_path):
    index = build(tmp_path / "index", "example.test", "=h.example.test", "http://h.example.test/a/",
                  "http://h.example.test/a/b/", "http://h.example.test/a/b/c")  # fmt: skip
    assert entry_kinds(index.match_url("http://h.example.test/a/b/c")) == [
        RecordKind.URL, RecordKind.PREFIX, RecordKind.PREFIX, RecordKind.HOST, RecordKind.DOMAIN,
    ]  # fmt: skip


def test_of_several_lists_that_hold_the_same_the_first_comes_first(tmp_path):
    texts = ["http://h.example/a/b", "http://h.example/a/", "http://h.example/a/b?*", "h.example"]
    builder = Builder(KEY)
    for number in (2, 0, 1):
        builder.add(number, [parse(text) for text in texts])
    builder.settle(3)
    builder.write(str(tmp_path / "index"))
    found = as_tuple(open_index(str(tmp_path / "index"), KEY).match_url("http://h.example/a/b"))
    assert [read_code(value)[:2] for value in found] == [
        (number, kind)
        for kind in (RecordKind.URL, RecordKind.URL_ANY_QUERY, RecordKind.PREFIX, RecordKind.DOMAIN)
        for number in (0, 1, 2)
    ]


def test_page_entries_on_addresses_match_every_spelling_of_the_address(tmp_path):
    index = build(tmp_path / "index", "http://192.0.2.1/p", "http://[2001:db8::1]/p")
    assert entry_kinds(index.match_url("http://0xc0000201/p")) == [RecordKind.URL]
    assert entry_kinds(index.match_url("http://[2001:0db8:0::1]:8080/p")) == [RecordKind.URL]
    assert index.match_url("http://192.0.2.2/p") is None
    assert index.match_host("0.2.1") is None


def spelling(codes, kind):
    return next(folded for _, its, folded in map(read_code, as_tuple(codes)) if its is kind)


@pytest.mark.parametrize(
    ("listed", "asked", "folded"),
    [
        ("http://h.example/page", "http://h.example/page", False),
        ("http://h.example/page", "https://H.example/x/../page", False),
        ("http://h.example/page", "http://h.example/p%61ge", True),
        ("http://h.example/p%61ge", "http://h.example/p%61ge", False),
        ("http://h.example/p%61ge", "http://h.example/page", True),
        ("http://h.example/p%61ge", "http://h.example/pa%67e", True),
        ("http://h.example/page", "http://h.example./page", True),
    ],
)
def test_a_hit_is_exact_when_a_browser_sees_the_listed_spelling(tmp_path, listed, asked, folded):
    index = build(tmp_path / "index", listed)
    assert spelling(index.match_url(asked), RecordKind.URL) is folded


def test_a_folded_path_is_no_folded_spelling_of_the_domain(tmp_path):
    index = build(tmp_path / "index", "bad.example")
    assert spelling(index.match_url("http://bad.example//x"), RecordKind.DOMAIN) is False
    assert spelling(index.match_url("http://bad.example./x"), RecordKind.DOMAIN) is True
    assert spelling(index.match_host("bad..example"), RecordKind.DOMAIN) is True


def test_one_entry_in_several_spellings_counts_once(tmp_path):
    builder = Builder(KEY)
    builder.add(0, [parse("http://h.example/p%61ge"), parse("http://h.example/page")])
    assert builder.settle(1) == [1]
    builder.write(str(tmp_path / "index"))
    index = open_index(str(tmp_path / "index"), KEY)
    assert spelling(index.match_url("http://h.example/page"), RecordKind.URL) is False


def test_a_list_is_carried_over_under_another_number_without_its_entries(tmp_path):
    builder = Builder(KEY)
    builder.add(0, [parse("a.example")])
    builder.add(1, [parse("b.example"), parse("http://h.example/p")])
    assert builder.settle(2) == [1, 2]
    builder.write(str(tmp_path / "old"))
    old = open_index(str(tmp_path / "old"), KEY)
    builder = Builder(KEY)
    builder.carry(old, {}, {1: 5})
    assert builder.settle(6) == [0, 0, 0, 0, 0, 2]
    builder.write(str(tmp_path / "new"))
    new = open_index(str(tmp_path / "new"), KEY)
    assert new.match_host("a.example") is None
    assert new.match_host("b.example") == code(5, RecordKind.DOMAIN, folded=False)
    assert entry_kinds(new.match_url("http://h.example/p")) == [RecordKind.URL]


def test_no_entry_can_be_read_back_from_the_file(tmp_path):
    build(tmp_path / "index", "planted-name.example", "http://h.example/planted-page")
    content = (tmp_path / "index").read_bytes()
    assert b"planted" not in content
    assert b"example" not in content


def test_an_index_holds_at_most_24_bytes_an_entry(tmp_path):
    build(tmp_path / "index", *(f"name-{i}.example" for i in range(20_000)))
    assert (tmp_path / "index").stat().st_size / 20_000 <= 24


def test_the_index_file_is_readable_by_its_owner_only(tmp_path):
    build(tmp_path / "index", "bad.example")
    assert (tmp_path / "index").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("at", [0, 8, 20, 25, 30, 50, 100, 130, 200, -1])
def test_a_file_with_any_bit_changed_is_refused(tmp_path, at):
    path = tmp_path / "index"
    build(path, *(f"name-{i}.example" for i in range(100)))
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(IndexRefused):
        open_index(str(path), KEY)


@pytest.mark.parametrize("length", [0, 1, 127, 128, 500])
def test_a_truncated_file_is_refused(tmp_path, length):
    path = tmp_path / "index"
    build(path, *(f"name-{i}.example" for i in range(100)))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(IndexRefused):
        open_index(str(path), KEY)


def test_a_file_made_with_another_key_is_refused(tmp_path):
    build(tmp_path / "index", "bad.example")
    with pytest.raises(IndexRefused, match="another key"):
        open_index(str(tmp_path / "index"), bytes(32))


def test_a_missing_file_is_refused_without_naming_its_path(tmp_path):
    with pytest.raises(IndexRefused) as refused:
        open_index(str(tmp_path / "secret-place"), KEY)
    assert "secret-place" not in str(refused.value)


def test_an_empty_index_matches_nothing(tmp_path):
    index = build(tmp_path / "index")
    assert index.match_host("bad.example") is None
    assert index.match_url("http://bad.example/p") is None


LABEL = st.sampled_from(["a", "b", "c", "www", "x-1"])
HOST = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))


@settings(max_examples=60, deadline=None)
@given(st.sets(HOST, max_size=20), st.lists(HOST, max_size=20))
def test_domain_lookups_agree_with_a_set_of_suffixes(tmp_path_factory, listed, asked):
    index = build(tmp_path_factory.mktemp("index") / "index", *listed)
    for host in asked:
        labels = host.split(".")
        expected = sum(".".join(labels[i:]) in listed for i in range(len(labels)))
        assert len(kinds(index.match_host(host))) == expected


def test_a_large_index_finds_all_it_holds_and_nothing_else(tmp_path):
    rng = random.Random(1)
    listed = [f"n{rng.getrandbits(48):x}.example" for _ in range(50_000)]
    builder = Builder(KEY)
    builder.add(0, [Entry(Kind.DOMAIN, canonical_host(name).name) for name in listed])
    builder.settle(1)
    builder.write(str(tmp_path / "index"))
    index = open_index(str(tmp_path / "index"), KEY)
    assert None not in index.match_hosts(listed, lambda codes: codes)
    assert set(
        index.match_hosts([f"m{rng.getrandbits(48):x}.example" for _ in range(50_000)], lambda codes: codes)
    ) == {None}
    half_of_it = [name if place % 2 else f"x{name}" for place, name in enumerate(listed)]
    is_listed = index.which_hosts(half_of_it, lambda codes: codes is not None)
    assert is_listed == [place % 2 == 1 for place in range(len(listed))]
    assert index.holds(0, [Entry(Kind.DOMAIN, name) for name in half_of_it]) == is_listed


@given(
    st.lists(st.sampled_from(["bad.example", "BAD.example.", "www.bad.example", "h.example", "", "ok.test"]))
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_which_records_apply_is_told_without_a_look_at_spellings(tmp_path_factory, words):
    index = build(
        tmp_path_factory.mktemp("index") / "index", "bad.example", "http://h.example/p", "=bad.example"
    )

    def unspelled(codes):
        return codes if isinstance(codes, str) else tuple(value & ~1 for value in as_tuple(codes))

    def as_told(codes):
        return codes if isinstance(codes, str) else as_tuple(codes)

    urls = [f"http://{word}/%70" for word in words]
    assert index.which_hosts(words, as_told) == index.match_hosts(words, unspelled)
    assert index.which_urls(urls, as_told) == index.match_urls(urls, unspelled)
