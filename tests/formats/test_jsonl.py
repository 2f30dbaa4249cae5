"""JSON lines."""

import pytest
from sample_lists import read_file, texts_of

from cop_filter.formats import parse


def test_the_entry_stands_in_the_configured_field() -> None:
    text = '{"url": "bad.example"}\n\n{"url": "http://h.example/\\u00fc", "more": [1]}\n'
    assert texts_of(read_file(text, format="jsonl")[0]) == ["domain bad.example", "url h.example/%C3%BC"]
    entries, _ = read_file('{"url": 1, "host": "bad.example"}', format="jsonl", json_field="host")
    assert texts_of(entries) == ["domain bad.example"]


def test_a_record_may_declare_its_kind() -> None:
    text = """
        {"url": "a.example", "kind": "host"}
        {"url": "http://h.example/dir/", "kind": "url"}
        {"url": "http://h.example/dir/", "kind": "prefix"}
        {"url": "SampleWord", "kind": "keyword"}
        {"url": "b.example", "kind": null}
        {"url": "b.example", "kind": "url"}
        {"url": "b.example", "kind": ["host"]}
    """
    entries, errors = read_file(text, format="jsonl")
    assert texts_of(entries) == [
        "host a.example",
        "url h.example/dir/",
        "prefix h.example/dir/",
        "keyword sampleword",
        "domain b.example",
    ]
    assert [error.line for error in errors] == [7, 8]


@pytest.mark.parametrize(
    "line",
    ["bad.example", "[]", '"bad.example"', "{}", '{"url": ["bad.example"]}', '{"url": "bad.example"', "NaN",
     "[" * 100_000,
     '{"url": ' + "1" * 5000 + "}", '{"url": "\\ud800.example"}', '{"url": "bad.example\\u0000"}'],
)  # fmt: skip
def test_a_line_without_a_usable_entry_is_bad(line: str) -> None:
    entries, errors = read_file(f'{{"url": "a.example"}}\n{line}\n{{"url": "b.example"}}', format="jsonl")
    assert texts_of(entries) == ["domain a.example", "domain b.example"]
    assert [error.line for error in errors] == [2]


def test_a_record_that_is_marked_so_is_a_canary() -> None:
    text = """
        {"url": "a.example", "canary": true}
        {"url": "b.example", "canary": "true"}
        {"url": "http://h.example/p", "kind": "url", "canary": true}
        {"url": "not an entry", "canary": true}
        {"url": "c.example", "canary": false}
    """
    (chunk,) = parse({"": text.encode()}, format="jsonl")
    assert texts_of(list(chunk.canaries)) == ["domain a.example", "url h.example/p"]
    assert len(chunk.entries) == 4
