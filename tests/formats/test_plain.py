"""Plain lines."""

from hypothesis import given
from hypothesis import strategies as st
from sample_lists import read_file, texts_of

from cop_filter import formats


def test_comments_and_blank_lines_are_no_lines_of_the_list() -> None:
    text = "# a comment\n\n; another\n  ! a third\n \t \nbad.example # why\nhttp://h.example/p#part\t#why\n"
    (chunk,) = formats.parse({"": text.encode()}, format="plain")
    assert texts_of(chunk.entries) == ["domain bad.example", "url h.example/p"]
    assert (chunk.errors, chunk.lines) == ([], 2)


def test_marks_of_comments_inside_an_entry_belong_to_it() -> None:
    entries, errors = read_file("http://h.example/a;b!c\nhttp://h.example/p?a=1;b=2#x", format="plain")
    assert texts_of(entries) == ["url h.example/a;b!c", "url h.example/p?a=1;b=2"]
    assert errors == []


def test_a_bad_line_is_reported_by_number_and_the_others_count() -> None:
    entries, errors = read_file("# list\na.example\n192.0.2.7\n\nb.example\nx y\n", format="plain")
    assert texts_of(entries) == ["domain a.example", "domain b.example"]
    assert [error.line for error in errors] == [3, 6]
    assert "address" in errors[0].reason
    assert "white space" in errors[1].reason


LINES = {
    "good": "bad.example",
    "page": "http://h.example/p",
    "bad": "192.0.2.7",
    "comment": "# no",
    "blank": "  ",
}


@given(st.lists(st.sampled_from(sorted(LINES))), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_line_numbers_hold_for_any_mix_of_lines_and_line_ends(kinds: list[str], end: str, last: bool) -> None:
    body = end.join(LINES[kind] for kind in kinds) + (end if last else "")
    chunks = list(formats.parse({"": body.encode()}, format="plain"))
    bad = [number for number, kind in enumerate(kinds, 1) if kind == "bad"]
    assert [error.line for chunk in chunks for error in chunk.errors] == bad
    assert sum(chunk.lines for chunk in chunks) == sum(kind in ("good", "page", "bad") for kind in kinds)
