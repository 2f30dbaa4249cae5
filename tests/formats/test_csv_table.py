"""CSV tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lists import read_file, texts_of

from cop_filter.errors import BadFormat
from cop_filter.formats import parse


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_column_is_found_by_its_name_whatever_parts_the_columns(delimiter: str) -> None:
    text = f"id{delimiter} URL{delimiter}note\n1{delimiter}bad.example{delimiter}x\n"
    assert texts_of(read_file(text, format="csv")[0]) == ["domain bad.example"]


def test_the_column_may_be_named_in_the_configuration() -> None:
    entries, _ = read_file("url,address\nno,bad.example\n", format="csv", csv_column="address")
    assert texts_of(entries) == ["domain bad.example"]


def test_a_number_names_a_column_of_a_table_without_header() -> None:
    entries, errors = read_file("1;bad.example\n2;http://h.example/p,q\n", format="csv", csv_column="2")
    assert texts_of(entries) == ["domain bad.example", "url h.example/p,q"]
    assert errors == []


@pytest.mark.parametrize(
    "text", ["id,address\n1,bad.example\n", "url,url\na.example,b.example", "", "# url\n"]
)
def test_a_table_without_that_one_column_is_refused(text: str) -> None:
    with pytest.raises(BadFormat, match="csv_column"):
        read_file(text, format="csv")


def test_quoted_fields_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'url,note\r\n"http://h.example/p?a=1,2","say ""x"",\r\nand more"\r\nbad.example,\r\n1.2.3.4,\r\n'
    entries, errors = read_file(text, format="csv")
    assert texts_of(entries) == ["url h.example/p?a=1,2", "domain bad.example"]
    assert [error.line for error in errors] == [5]


def test_comments_stand_above_the_header_only() -> None:
    entries, errors = read_file("# a\n#b\n\nurl,id\nbad.example,#1\n#2,x\n", format="csv")
    assert texts_of(entries) == ["domain bad.example"]
    assert [error.line for error in errors] == [6]


def test_an_unquoted_delimiter_does_not_cut_an_entry_short() -> None:
    entries, errors = read_file("url,id\nhttp://h.example/a,b,1\n", format="csv")
    assert entries == []
    assert "more columns" in errors[0].reason


def test_a_row_may_leave_out_columns_after_its_entry_only() -> None:
    entries, errors = read_file("id,url,note\n1,bad.example\n2\n\n", format="csv")
    assert texts_of(entries) == ["domain bad.example"]
    assert [error.line for error in errors] == [3]


@pytest.mark.parametrize("column", ["url,note\n", "note,url\n"])
def test_every_line_that_an_open_quote_swallows_is_a_bad_line(column: str) -> None:
    text = column + 'a.example,a.example\nb.example,"b.example\n' + "c.example,c.example\n" * 50
    entries, errors = read_file(text, format="csv")
    assert len(entries) == 1
    assert [error.line for error in errors] == list(range(3, 54))


def test_an_entry_that_goes_over_the_end_of_a_line_is_bad_on_each_of_its_lines() -> None:
    entries, errors = read_file('url\n"http://h.example/\np"\nbad.example\n', format="csv")
    assert texts_of(entries) == ["domain bad.example"]
    assert [error.line for error in errors] == [2, 3]


@given(st.lists(st.sampled_from(["a.example", "1.2.3.4", '"b.example"', '"c\nd"', '"', "x,y"]), max_size=30))
def test_each_line_of_any_table_is_an_entry_or_an_error(rows: list[str]) -> None:
    text = "url\n" + "\n".join(rows)
    entries, errors = read_file(text, format="csv")
    assert len({error.line for error in errors}) == len(errors)
    assert len(entries) + len(errors) == len(text.removesuffix("\n").split("\n")) - 1


def test_rows_that_the_column_canary_marks_are_canaries() -> None:
    rows = ["a.example,TRUE,x", "b.example,false", '"c\nd",yes', "e.example", "http://h.example/p, 1 ,x"]
    (chunk,) = parse({"": "\n".join(["url,Canary,note", *rows]).encode()}, format="csv")
    assert texts_of(list(chunk.canaries)) == ["domain a.example", "url h.example/p"]
    assert texts_of(chunk.entries) == [
        "domain a.example",
        "domain b.example",
        "domain e.example",
        "url h.example/p",
    ]


def test_a_table_whose_entries_stand_in_a_column_canary_marks_none() -> None:
    (chunk,) = parse({"": b"canary,url\nyes.example,1\n"}, format="csv", csv_column="canary")
    assert chunk.canaries == ()
