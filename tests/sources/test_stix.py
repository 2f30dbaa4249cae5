"""What an indicator lists, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.entries import Entry, parse_many
from cop_filter.errors import BadFormat
from cop_filter.sources.stix import NOT_UNDERSTOOD, Indicators
from cop_filter.verdict import Kind

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z


def indicator(pattern="[domain-name:value = 'bad.example']", number=1, **changes):
    return {
        "type": "indicator",
        "id": f"indicator--{number}",
        "modified": "2026-01-01T00:00:00.000Z",
        "valid_from": "2026-01-01T00:00:00Z",
        "pattern_type": "stix",
        "pattern": pattern,
        **changes,
    }


def lines(*objects, now=NOW):
    gathered = Indicators()
    gathered.add(objects)
    return gathered.lines(now)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[domain-name:value = 'bad.example']", ["=bad.example"]),
        ("[ url:value='http://bad.example/a' ]", ["http://bad.example/a"]),
        ("[url:value = 'http://bad.example']", ["http://bad.example"]),
        ("[url:value = 'http://bad.example/']", ["http://bad.example/"]),
        ("[url:value = 'http://bad.example/a/']", ["http://bad.example/a/?"]),
        ("[url:value = 'http://bad.example/a*b']", ["http://bad.example/a%2Ab"]),
        ("[domain-name:value = 'a.test' OR domain-name:value LIKE '%.a.test']", ["*.a.test", "=a.test"]),
        ("[domain-name:value = 'a.test'] OR [url:value = 'http://b.test/']", ["=a.test", "http://b.test/"]),
        ("[domain-name:value IN ('a.example', 'b.example')]", ["=a.example", "=b.example"]),
        (r"[url:value = 'http://bad.example/it\'s']", ["http://bad.example/it's"]),
    ],
)  # fmt: skip
def test_comparisons_by_equality_are_entries(pattern, expected):
    assert lines(indicator(pattern)) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "[ipv4-addr:value = '192.0.2.1']",
        "[domain-name:value = 'a.example' AND url:value = 'http://a.example/']",
        "[domain-name:value != 'a.example']",
        "[domain-name:value LIKE '%example%']",
        "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
        "[domain-name:value = 'a.example'] WITHIN 5 SECONDS",
        "[domain-name:value = 'a.example",
        "[file:name = 'x']",
    ],
)
def test_what_cannot_be_enforced_exactly_is_a_bad_line_and_no_guess(pattern):
    assert lines(indicator(pattern)) == [NOT_UNDERSTOOD]
    assert not isinstance(parse_many([NOT_UNDERSTOOD])[0], Entry)


def test_other_languages_of_patterns_are_bad_lines():
    assert lines(indicator(pattern_type="yara")) == [NOT_UNDERSTOOD]


def test_a_revoked_indicator_lists_nothing_even_when_an_older_version_comes_later():
    revoked = indicator(revoked=True, modified="2026-02-01T00:00:00Z")
    assert lines(revoked, indicator()) == []
    assert lines(indicator(), revoked) == []


def test_an_indicator_lists_from_its_first_moment_to_just_before_its_last():
    one = indicator(valid_from="2027-01-15T08:00:00Z", valid_until="2027-01-15T09:00:00Z")
    assert lines(one, now=NOW - 0.001) == []
    assert lines(one, now=NOW) == ["=bad.example"]
    assert lines(one, now=NOW + 3599.9) == ["=bad.example"]
    assert lines(one, now=NOW + 3600) == []


@given(st.from_regex(r"(/[a-z*?=]{0,4}){1,4}", fullmatch=True))
def test_a_url_that_is_compared_lists_a_page_and_never_more(path):
    (line,) = lines(indicator(f"[url:value = 'http://bad.example{path}']"))
    (entry,) = parse_many([line])
    assert isinstance(entry, Entry)
    assert (entry.kind, entry.any_query) == (Kind.URL, False)


def test_the_order_of_the_server_does_not_matter():
    objects = [indicator(f"[domain-name:value = '{name}.example']", name) for name in "cab"]
    assert lines(*objects) == lines(*reversed(objects)) == ["=a.example", "=b.example", "=c.example"]


@pytest.mark.parametrize(
    "wrong", [{"id": 7}, {"modified": None}, {"modified": "yesterday"}, {"valid_until": "x"}]
)
def test_what_is_no_indicator_is_refused(wrong):
    with pytest.raises(BadFormat):
        lines(indicator(**wrong))


def test_other_objects_list_nothing():
    assert lines({"type": "malware", "id": "malware--1"}) == []
    with pytest.raises(BadFormat):
        lines("text")


@given(st.text(max_size=60))
def test_no_pattern_breaks_the_reader(pattern):
    assert isinstance(lines(indicator(pattern)), list)


@given(st.from_regex(r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){1,3}", fullmatch=True))
def test_a_name_that_is_compared_is_the_name_that_is_listed(name):
    assert lines(indicator(f"[domain-name:value = '{name}']")) == [f"={name}"]
