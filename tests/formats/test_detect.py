"""Which format a list has."""

import pytest
from sample_lists import raw_sample, read, read_file, texts_of

from cop_filter.errors import BadFormat
from cop_filter.formats import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_each_sample_is_detected_and_reads_the_same(name: str) -> None:
    assert read(raw_sample(name), format="auto") == read(raw_sample(name), format=name)


@pytest.mark.parametrize(
    ("text", "csv_column", "names"),
    [
        ("http://h.example/a,b\nhttp://h.example/c,d\n", "url", "plain or csv"),
        ("bad.example/a;b\n", "url", "plain or csv"),
        ("a.example\nb.example\n", "1", "plain or csv"),
    ],
)
def test_of_two_formats_that_fit_none_is_taken(text: str, csv_column: str, names: str) -> None:
    with pytest.raises(BadFormat, match=f"{names}: set `format`"):
        read_file(text, format="auto", csv_column=csv_column)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n; here\n! yet\n"])
def test_a_list_without_a_line_has_no_format(text: str) -> None:
    with pytest.raises(BadFormat, match="set `format`"):
        read_file(text, format="auto")


@pytest.mark.parametrize(
    "text",
    [
        "Please log in to see this list.\nThen try again.\n",
        "id,link\n1,http://h.example/p\n",
        '{"href": "http://h.example/p"}\n',
        '[{"url": "http://h.example/p"}]',
        "bad.example CNAME .\n",
        "a.example\n0.0.0.0 b.example\n",
        "192.0.2.7\n192.0.2.8\n",
        "localhost\nbad.example\n",
    ],
)
def test_a_list_that_fits_no_format_is_refused(text: str) -> None:
    with pytest.raises(BadFormat, match="fits no format"):
        read_file(text, format="auto")


def test_the_header_tells_a_table_of_one_column_from_plain_lines() -> None:
    entries, errors = read_file("url\n" + "bad.example\n" * 50, format="auto")
    assert len(entries) == 50
    assert errors == []


def test_a_few_bad_lines_do_not_hide_the_format() -> None:
    text = "".join(f"h{number}.example\n" for number in range(30)) + "192.0.2.7\n"
    entries, errors = read_file(text, format="auto")
    assert len(entries) == 30
    assert [error.line for error in errors] == [31]


def test_a_long_comment_at_the_start_does_not_hide_the_format() -> None:
    entries, _ = read_file("# a licence\n" * 5000 + "0.0.0.0 bad.example\n", format="auto")
    assert texts_of(entries) == ["host bad.example"]


def test_a_folder_without_the_known_files_is_refused() -> None:
    with pytest.raises(BadFormat, match="domains"):
        read({"usage": b"black"}, format="auto")


def test_an_unknown_format_is_refused_with_those_that_exist() -> None:
    with pytest.raises(BadFormat, match="plain, hosts, csv, jsonl, rpz, ut1 and auto"):
        read_file("bad.example", format="adblock")
