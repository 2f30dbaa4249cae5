"""Which names come and go by the records that do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.sources.zone_change import ZoneChange

HEAD = "$ORIGIN rpz.test.\n@ SOA ns. root. 7 1 1 1 1\n"
LISTING = (".", "*.", "stop.authority.example.")
ZONES = st.dictionaries(
    st.sampled_from([f"n{number}.example" for number in range(6)]),
    st.sampled_from([*LISTING, "rpz-passthru."]),
)


def lines(zone: dict[str, str]) -> dict[str, str]:
    return {owner: f"{owner} CNAME {data}" for owner, data in zone.items()}


def listed(zone: dict[str, str]) -> set[str]:
    return {owner for owner, data in zone.items() if data in LISTING}


@given(st.lists(ZONES, min_size=1, max_size=5))
def test_any_steps_come_to_what_lies_between_the_first_and_the_last(zones: list[dict[str, str]]) -> None:
    change = ZoneChange()
    for old, new in zip(map(lines, zones), map(lines, zones[1:]), strict=False):
        for owner in old.keys() - {owner for owner, line in new.items() if old.get(owner) == line}:
            change.remove(owner, old[owner], alone=True)
        for owner, line in new.items():
            if old.get(owner) != line:
                change.add(owner, line, alone=True)
    assert change.exact
    first, last = zones[0], zones[-1]
    assert set(change.removed) == set(lines(first).values()) - set(lines(last).values())
    assert set(change.added) == set(lines(last).values()) - set(lines(first).values())
    come, go = change.listed(HEAD)
    assert {line.split()[0] for line in come} == listed(last) - listed(first)
    assert {line.split()[0] for line in go} == listed(first) - listed(last)


A, B = "a.example CNAME .", "a.example CNAME *."


@pytest.mark.parametrize(
    "steps",
    [
        [("add", A, False)],
        [("remove", A, False)],
        [("add", A, True), ("add", B, True)],
        [("remove", A, True), ("remove", B, True)],
        [("add", A, True), ("remove", B, True)],
    ],
)
def test_records_that_may_have_others_beside_them_say_nothing_exact(
    steps: list[tuple[str, str, bool]],
) -> None:
    change = ZoneChange()
    for what, line, alone in steps:
        getattr(change, what)("a.example", line, alone=alone)
    assert not change.exact
