"""Hosts files."""

from sample_lists import read_file, texts_of

from cop_filter import formats


def test_every_name_of_a_line_is_one_exact_host() -> None:
    entries, errors = read_file("0.0.0.0 a.example  b.example # c.example\n::\td.example", format="hosts")
    assert texts_of(entries) == ["host a.example", "host b.example", "host d.example"]
    assert errors == []


def test_the_address_is_not_read() -> None:
    text = "127.0.0.1 a.example\n192.0.2.80 b.example\n2001:db8::80 c.example\nfe80::1%eth0 d.example"
    assert len(read_file(text, format="hosts")[0]) == 4


def test_the_machines_own_lines_are_no_entries_and_no_errors() -> None:
    text = "127.0.0.1 localhost local\n::1 ip6-LOCALHOST\n0.0.0.0 0.0.0.0\nfe80::1%lo0 localhost\n"
    (chunk,) = formats.parse({"": text.encode()}, format="hosts")
    assert chunk == formats.Chunk([], [], 0)


def test_a_line_counts_once_however_many_bad_names_it_has() -> None:
    text = "0.0.0.0 a.example b/c *.d.example\nb.example\n0.0.0.0\n0.0.0.0 single"
    (chunk,) = formats.parse({"": text.encode()}, format="hosts")
    assert texts_of(chunk.entries) == ["host a.example"]
    assert [error.line for error in chunk.errors] == [1, 2, 3, 4]
    assert chunk.lines == 4
