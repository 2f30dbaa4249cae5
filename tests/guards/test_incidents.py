"""Each list disaster that FIELD §2 knows of, played against the guards: it is refused, and says why."""

import pytest
from reviewing import guards_of, names, never_block, review, version

from cop_filter import formats
from cop_filter.errors import BadFormat


def test_denmark_2012_eight_thousand_ordinary_names_do_not_slip_into_a_police_list() -> None:
    held = names(20_000)
    usual = [version(20_000, 40, at) for at in range(5)]
    slipped = [*held, *names(8_000, start=50_000), "search.example", "friends.example"]
    report = review(
        slipped, held=held, history=usual, protected=never_block("search.example", "*.friends.example")
    )
    assert guards_of(report) == ["usual-churn", "never-block"]
    assert report.added == 8_002
    assert "8002 entries come and 0 go at once, and usually 40 do" in report.reason
    assert "2 new entries would block hosts that must never be blocked whole: 2 in a file" in report.reason


def test_denmark_2012_is_refused_without_any_history_where_the_list_is_smaller() -> None:
    held = names(3_000)
    assert guards_of(review([*held, *names(8_000, 50_000)], held=held)) == ["churn"]


def test_wikipedia_2008_a_page_may_be_listed_and_its_encyclopedia_may_not() -> None:
    protected = never_block("*.encyclopedia.example")
    assert review(["http://en.encyclopedia.example/wiki/Page"], protected=protected).passed
    whole = review(["en.encyclopedia.example"], protected=protected)
    assert guards_of(whole) == ["never-block"]
    assert "encyclopedia" not in str(whole)


def test_wikipedia_2008_a_list_of_pages_that_lists_one_whole_host_is_looked_at() -> None:
    pages = [f"http://h{number}.example/page" for number in range(100)]
    report = review(
        [*pages, "en.encyclopedia.example"], held=pages, history=[version(100, 5, url=100, prefix=3)]
    )
    assert guards_of(report) == ["new-kinds"]
    assert "the list held pages only, and now holds 1 of kind domain" in report.reason


def test_australia_2013_an_address_blocks_nothing_and_a_list_of_them_is_refused() -> None:
    one = review([*names(100), "192.0.2.1"])
    assert one.passed
    assert (one.entries, one.addresses) == (100, 1)
    many = review([*names(10), "192.0.2.1", "198.51.100.0/24", "2001:db8::/32"])
    assert guards_of(many) == ["bad-lines", "addresses"]
    assert "3 lines of the bad ones hold addresses or networks" in many.reason


@pytest.mark.parametrize(
    "listed",
    [
        "free.example",
        "*.free.example",
        "=free.example",
        "co.example",
        "x.wild.example",
        "wild.example",
        "any.zz",
    ],
)
def test_mooo_com_2011_no_entry_takes_a_dynamic_dns_parent_with_all_who_live_there(listed: str) -> None:
    report = review([*names(10), listed])
    assert guards_of(report) == ["public-suffix"]
    assert "1 new entry would block a public suffix" in report.reason


@pytest.mark.parametrize(
    "listed", ["a.free.example", "www.wild.example", "a.x.wild.example", "a.any.zz", "=a.co.example"]
)
def test_mooo_com_2011_one_site_there_can_be_listed(listed: str) -> None:
    assert review([listed]).passed


def test_piracy_shield_2024_a_host_that_serves_the_files_of_everyone_is_not_blocked() -> None:
    protected = never_block("files.storage.example")
    for listed in ("files.storage.example", "=files.storage.example", "storage.example", "*.storage.example"):
        assert guards_of(review([listed], protected=protected)) == ["never-block"]
    assert review(["http://files.storage.example/one-file"], protected=protected).passed


def test_pi_hole_5168_an_empty_download_does_not_lift_every_block() -> None:
    assert "empty" in guards_of(review([], held=names(100)))


def test_adguard_home_5258_a_truncated_download_does_not_replace_a_good_list() -> None:
    held = names(1000)
    assert guards_of(review(held[:300], held=held)) == ["shrink", "churn"]


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b"\n <html><body>log in</body>"])
def test_blocky_863_an_html_page_is_no_list(body: bytes) -> None:
    with pytest.raises(BadFormat, match="HTML"):
        list(formats.parse({"": body}, format="plain"))
