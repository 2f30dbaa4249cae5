"""What the audit log takes: ids, counts, digests. What might be an entry, it refuses without repeating it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.audit.facts import checked

PLANTED = (
    "planted.example",
    "http://planted.example/path",
    "planted.example/path",
    "/path/only",
    "192.0.2.7",
    "2001:db8::7",
    "planted words of a keyword",
    "planted%2eexample",
    "planted\x1b[31m",
    "планета",
    "x" * 201,
    "",
    "*.planted.example",
    "planted@example",
)


@pytest.mark.parametrize("planted", PLANTED)
def test_an_entry_never_slips_into_a_fact(planted: str) -> None:
    with pytest.raises(ValueError, match="the fact list") as refused:
        checked("list_published", {"list": planted}, {"national"})
    assert not planted or planted not in str(refused.value)


@pytest.mark.parametrize("planted", ["planted.example", "Planted", "planted words"])
def test_an_entry_never_slips_into_the_name_of_a_fact_or_of_an_event(planted: str) -> None:
    with pytest.raises(ValueError, match="name must be") as refused:
        checked("list_published", {planted: 1})
    assert planted not in str(refused.value)
    with pytest.raises(ValueError, match="no such event") as refused:
        checked(planted, {})
    assert planted not in str(refused.value)


@given(st.text(max_size=40), st.sampled_from([".", "/", ":", " ", "%", "@", "\n"]), st.text(max_size=40))
def test_no_host_url_or_address_is_a_fact(before: str, mark: str, after: str) -> None:
    text = f"a{before}{mark}{after}z"  # begins and ends as no version does
    with pytest.raises(ValueError, match="refuses it"):
        checked("list_published", {"digest": text})


def test_what_there_is_to_tell_is_taken() -> None:
    told = {
        "list": "hotline.v2",
        "digest": "0f" * 32,
        "by": "ann",
        "entries": 8000,
        "generation": 7,
        "version": "0.4.0rc1",
        "guards": "no_explosion,never_block",
    }
    assert checked("list_published", {**told, "before": None}, {"hotline.v2"}) == told


@pytest.mark.parametrize("value", [1.5, b"bytes", ["a"], 2**64])
def test_a_fact_of_another_type_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="refuses it"):
        checked("list_published", {"list": value})


def test_a_line_has_room_for_every_set_of_facts() -> None:
    with pytest.raises(ValueError, match="at most 20"):
        checked("list_published", {f"fact_{number}": 1 for number in range(21)})
