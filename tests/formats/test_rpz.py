"""Response policy zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lists import read_file, texts_of

from cop_filter.errors import BadFormat
from cop_filter.formats import rpz as rpz_format

SOA = "@ IN SOA ns.authority.example. root.authority.example. 1 3600 600 86400 300\n"


def rpz(records: str, soa: str = SOA) -> tuple[list[str], list[tuple[int, str]]]:
    entries, errors = read_file(soa + records, format="rpz")
    return texts_of(entries), [(error.line, error.reason) for error in errors]


def test_a_name_is_one_host_and_a_wildcard_its_subdomains() -> None:
    assert rpz("bad.example CNAME .\n*.bad.example CNAME .\n") == (
        ["host bad.example", "domain *.bad.example"],
        [],
    )


@pytest.mark.parametrize(
    "data",
    ["CNAME .", "CNAME *.", "CNAME rpz-drop.", "CNAME stop.authority.example.", "A 192.0.2.80",
     "AAAA 2001:db8::80", 'TXT "some \\" text; (more"', "60 IN CNAME .", "IN 1h30m CNAME .", "in cname .",
     "CNAME . ; comment", "CNAME (\n.)"],
)  # fmt: skip
def test_every_action_and_local_data_list_the_name(data: str) -> None:
    assert rpz(f"bad.example {data}\n") == (["host bad.example"], [])


@pytest.mark.parametrize(
    "data",
    ["CNAME rpz-passthru.", "CNAME RPZ-PASSTHRU.", "CNAME rpz-passthru", "CNAME rpz-tcp-only.",
     "CNAME rpz-new.", "CNAME bad.example."],
)  # fmt: skip
def test_exemptions_and_unknown_policies_are_errors_and_list_nothing(data: str) -> None:
    listed, [(line, reason)] = rpz(f"a.example CNAME .\nbad.example {data}\n")
    assert listed == ["host a.example"]
    assert line == 3
    assert "policy" in reason


@pytest.mark.parametrize(
    "owner",
    [
        "24.0.2.0.192.rpz-ip",
        "32.7.2.0.192.rpz-client-ip",
        "32.7.2.0.192.rpz-nsip",
        "ns.bad.example.rpz-nsdname",
    ],
)
def test_triggers_other_than_query_names_are_errors(owner: str) -> None:
    listed, [(_, reason)] = rpz(f"{owner} CNAME .\n")
    assert listed == []
    assert "trigger" in reason


@pytest.mark.parametrize(
    "owner", ["*", "*.example", "example", "192.0.2.7", "a\\.b.example", "bad.example.other."]
)
def test_owners_that_would_cover_too_much_or_nothing_are_errors(owner: str) -> None:
    listed, errors = rpz(f"{owner} CNAME .\n")
    assert listed == []
    assert len(errors) == 1


def test_the_zones_own_records_are_neither_entries_nor_errors() -> None:
    records = """ NS ns.authority.example.
@ TXT "version 7"
ns A 192.0.2.1
bad.example RRSIG CNAME 13 2 60 20250101000000 20240101000000 1 @ abcd
"""
    listed, errors = rpz(records)
    assert listed == []
    assert [line for line, _ in errors] == [4]  # a single label, under the apex


@pytest.mark.parametrize(
    ("soa", "owner"),
    [
        ("$ORIGIN rpz.test.\n" + SOA, "bad.example"),
        ("$ORIGIN rpz.test.\n" + SOA, "BAD.example.RPZ.test."),
        ("$ORIGIN rpz.test.\n" + SOA + "$ORIGIN example.rpz.test.\n", "bad"),
        ("$ORIGIN test.\nrpz " + SOA.removeprefix("@ ") + "$ORIGIN example.rpz\n", "bad"),
        ("$ORIGIN .\n$TTL 60\nrpz.test " + SOA.removeprefix("@ ") + "$ORIGIN rpz.test.\n", "bad.example"),
        (SOA.replace("@", "."), "bad.example."),
        (SOA.replace("@", "."), "bad.example"),
    ],
)
def test_owners_are_read_relative_to_the_apex_however_the_file_names_it(soa: str, owner: str) -> None:
    assert rpz(f"{owner} CNAME .\n", soa) == (["host bad.example"], [])


def test_a_transfer_that_ends_with_its_soa_is_read() -> None:
    assert rpz("bad.example CNAME .\n" + SOA) == (["host bad.example"], [])


def test_a_blank_owner_repeats_the_one_before() -> None:
    assert rpz("bad.example A 192.0.2.80\n  AAAA 2001:db8::80\n") == (["host bad.example"] * 2, [])


@pytest.mark.parametrize("text", ["bad.example CNAME .\n", "$TTL 60\nbad.example CNAME .\n" + SOA])
def test_a_file_that_does_not_begin_with_an_soa_is_no_zone(text: str) -> None:
    with pytest.raises(BadFormat, match="SOA"):
        read_file(text, format="rpz")


@pytest.mark.parametrize("rest", ["", "bad.example CNAME .\n" * 100])
def test_a_parenthesis_that_never_closes_refuses_the_zone(rest: str) -> None:
    with pytest.raises(BadFormat, match="parenthesis"):
        read_file(SOA + "a.example A ( 192.0.2.80\n" + rest, format="rpz")


@pytest.mark.parametrize(
    "line", ["$INCLUDE other.zone", "$GENERATE 1-9 h$.example CNAME .", "bad.example", "bad.example CNAME",
             ") x", 'bad.example TXT "open', "bad.example CNAME \\"],
)  # fmt: skip
def test_a_line_that_is_no_record_is_an_error_of_its_line(line: str) -> None:
    listed, errors = rpz(f"a.example CNAME .\n{line}\nb.example CNAME .\n")
    assert listed == ["host a.example", "host b.example"]
    assert [number for number, _ in errors] == [3]


def test_lines_that_list_nothing_are_told_apart_by_their_policy_alone() -> None:
    text = (
        SOA + "a.example CNAME .\nb.example CNAME rpz-passthru.\nsingle CNAME .\n@ TXT x\nc.rpz-ip CNAME .\n"
    )
    assert rpz_format.idle_lines(text.encode()) == {3, 6}


LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
SPACE = st.sampled_from([" ", "\t", "   ", " ( ; c )\n ", "\t)\t"])


@given(st.data())
def test_any_layout_of_a_record_reads_the_same(data: st.DataObject) -> None:
    wildcard = data.draw(st.sampled_from(["", "*."]))
    name = f"{data.draw(LABEL)}.{data.draw(LABEL)}.example"
    words = [wildcard + name + data.draw(st.sampled_from(["", ".rpz.test."]))]
    words += data.draw(st.permutations(["60", "IN"]).map(list))[: data.draw(st.integers(0, 2))]
    words += data.draw(st.sampled_from([["CNAME", "."], ["CNAME", "*."], ["A", "192.0.2.80"]]))
    text, is_open = words[0], False
    for word in words[1:]:
        space = data.draw(
            SPACE.filter(lambda s, o=is_open: ("(" in s and not o) or (")" in s[:2] and o) or s.isspace())
        )
        is_open = not is_open if not space.isspace() else is_open
        text += space + word
    text += " )" if is_open else data.draw(st.sampled_from(["", ' ; comment ( " )', "  "]))
    listed, errors = rpz(text + "\nlast.example CNAME .\n", "$ORIGIN rpz.test.\n" + SOA)
    kind = "domain *." if wildcard else "host "
    assert (listed, errors) == ([kind + name, "host last.example"], [])
