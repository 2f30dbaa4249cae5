"""squidGuard and UT1 folders."""

import pytest
from sample_lists import read, texts_of

from cop_filter.errors import BadFormat


def test_domains_cover_hosts_and_urls_never_do() -> None:
    raw = {"domains": b"bad.example\n", "urls": b"h.example/p\nh.example/dir/\nfront.example\n"}
    entries, errors = read(raw, format="ut1")
    assert texts_of(entries) == [
        "domain bad.example",
        "url h.example/p",
        "prefix h.example/dir/",
        "url front.example/",
    ]
    assert errors == []


@pytest.mark.parametrize("member", ["domains", "urls"])
def test_one_of_the_two_files_is_enough(member: str) -> None:
    entries, _ = read({member: b"bad.example/p\n"}, format="ut1")
    assert texts_of(entries) == ["url bad.example/p"]


def test_errors_name_the_file_and_its_own_line() -> None:
    _, errors = read({"domains": b"a.example\n192.0.2.7\n", "urls": b"x y/z\n"}, format="ut1")
    assert [(error.member, error.line) for error in errors] == [("domains", 2), ("urls", 1)]


def test_other_files_of_the_folder_are_not_read() -> None:
    entries, errors = read(
        {"domains": b"a.example", "expressions": b"(a|b)", "usage": b"black"}, format="ut1"
    )
    assert texts_of(entries) == ["domain a.example"]
    assert errors == []


@pytest.mark.parametrize("raw", [{"": b"a.example"}, {}, {"usage": b"black"}])
def test_what_is_no_such_folder_is_refused(raw: dict[str, bytes]) -> None:
    with pytest.raises(BadFormat, match="folder"):
        read(raw, format="ut1")


def test_a_folder_is_refused_by_the_formats_of_one_file() -> None:
    with pytest.raises(BadFormat, match="folder"):
        read({"domains": b"a.example"}, format="plain")
