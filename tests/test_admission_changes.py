"""Entries under one registered domain, counted through whole lists and changes."""

from pathlib import Path

import pytest
from admission_desk import Desk, names
from generations import a_list

from cop_filter import candidate
from cop_filter.attachments import file_name
from cop_filter.candidate import DOMAINS
from cop_filter.errors import GuardFailed, ListRefused

LIMIT = 20


def below(start: int, count: int) -> list[str]:
    """Entries under one registered domain."""
    return [f"host{number}.many.example" for number in range(start, start + count)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, a_list(format="plain", max_per_domain=LIMIT, max_churn_jump=1000.0))


def attached(desk: Desk) -> Path:
    number = desk.store.newest()
    assert number is not None
    return desk.store.folder(number) / file_name(desk.wanted.id, DOMAINS)


def test_a_domain_is_not_listed_piece_by_piece_in_many_small_changes(desk: Desk) -> None:
    desk.admit([*names(0, 50), *below(0, 2)])
    for number in range(2, LIMIT, 3):
        desk.admit_change(below(number, 3))
    with pytest.raises(GuardFailed, match=r"max_per_domain \(20\) allows, the busiest 21"):
        desk.admit_change(below(LIMIT, 1))
    (item,) = desk.ward().items()
    assert item.item is not None
    assert [finding["guard"] for finding in item.item.report["findings"]] == ["per-domain"]
    # Nothing was counted that did not come into force, and other domains are not affected.
    assert desk.admit_change(["elsewhere.example"]).report.passed


def test_one_by_one_a_domain_that_was_not_there_gets_no_further(desk: Desk) -> None:
    desk.admit(names(0, 50))
    # A domain that had none counts as if it had one.
    for number in range(LIMIT - 1):
        desk.admit_change(below(number, 1))
    with pytest.raises(GuardFailed, match="the busiest 21"):
        desk.admit_change(below(LIMIT, 1))
    # A whole list says exactly how many there are.
    desk.admit([*desk.lines, "another.example"])
    desk.admit_change(below(LIMIT, 1))
    with pytest.raises(GuardFailed, match="the busiest 21"):
        desk.admit_change(below(LIMIT + 1, 1))


def test_what_goes_makes_room(desk: Desk) -> None:
    desk.admit([*names(0, 50), *below(0, LIMIT)])
    desk.admit_change(["elsewhere.example"], below(0, 5))
    with pytest.raises(GuardFailed, match="the busiest 21"):
        desk.admit_change(below(100, 6))
    assert desk.admit_change(below(100, 5)).report.passed
    assert desk.admit_change(below(200, 1), below(100, 1)).report.passed


def test_whatever_was_counted_before_a_whole_list_is_counted_exactly(desk: Desk) -> None:
    desk.admit([*names(0, 50), *below(0, LIMIT)])
    desk.admit_change(["elsewhere.example"])
    desk.admit([*names(0, 50), *below(0, 3)])
    assert desk.admit_change(below(100, LIMIT - 3)).report.passed


def test_a_list_that_an_older_version_published_is_counted_from_its_next_change_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(candidate.Draft, "attach", lambda *_: None)
        desk.admit([*names(0, 50), *below(0, LIMIT)])
    assert not attached(desk).exists()
    assert desk.admit_change(below(100, LIMIT - 1)).report.passed
    with pytest.raises(GuardFailed, match="the busiest 21"):
        desk.admit_change(below(200, 1))


@pytest.mark.parametrize("damage", ["changed", "lost"])
def test_where_the_counts_are_damaged_the_list_is_asked_for_whole(desk: Desk, damage: str) -> None:
    desk.admit([*names(0, 50), *below(0, LIMIT)])
    attached(desk).write_bytes(b"damaged") if damage == "changed" else attached(desk).unlink()
    with pytest.raises(ListRefused, match="fetched whole"):
        desk.admit_change(["elsewhere.example"])
    desk.admit([*desk.lines, "elsewhere.example"])
    with pytest.raises(GuardFailed, match="the busiest 21"):
        desk.admit_change(below(LIMIT, 1))


def test_no_name_of_a_domain_is_in_what_is_kept(desk: Desk) -> None:
    desk.admit([*names(0, 50), *below(0, LIMIT)])
    assert len(attached(desk).read_bytes()) < 100
    for path in desk.store.root.rglob("*"):
        assert not path.is_file() or b"many" not in path.read_bytes(), path
