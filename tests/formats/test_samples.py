"""The sample lists: whole, synthetic, and with every kind that their format can carry."""

import re

import pytest
from sample_lists import raw_sample, read

from cop_filter.formats import FORMATS
from cop_filter.verdict import Kind

PAGES = {Kind.URL, Kind.PREFIX, Kind.PATTERN}
KINDS = {
    "plain": {Kind.DOMAIN, Kind.HOST} | PAGES,
    "hosts": {Kind.HOST},
    "csv": {Kind.DOMAIN, Kind.HOST} | PAGES,
    "jsonl": {Kind.DOMAIN, Kind.HOST, Kind.KEYWORD} | PAGES,
    "rpz": {Kind.DOMAIN, Kind.HOST},
    "ut1": {Kind.DOMAIN} | PAGES,
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_has_no_bad_line_and_every_kind_of_its_format(name: str) -> None:
    entries, errors = read(raw_sample(name), format=name)
    assert errors == []
    assert {entry.kind for entry in entries} == KINDS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_holds_synthetic_names_only(name: str) -> None:
    entries, _ = read(raw_sample(name), format=name)
    for entry in entries:
        host = entry.key.partition("/")[0]
        assert entry.kind is Kind.KEYWORD or re.search(r"\.(example|test|invalid)$|^192\.0\.2\.\d+$", host)


@pytest.mark.parametrize("name", FORMATS)
def test_an_entry_covers_a_host_only_where_the_sample_names_one(name: str) -> None:
    """Hosts with listed pages are named `pages` or `front`: none of them is listed whole."""
    entries, _ = read(raw_sample(name), format=name)
    whole = {entry.key for entry in entries if entry.kind in (Kind.DOMAIN, Kind.HOST)}
    of_pages = {entry.key.partition("/")[0] for entry in entries if entry.kind in PAGES}
    assert not any(host == name or host.endswith("." + name) for host in of_pages for name in whole)
