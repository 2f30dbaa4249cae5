"""What a self-test found, as it is kept."""

from pathlib import Path

import pytest

from cop_filter.selftest import Result, Results, latest
from cop_filter.selftest.results import FILE, State
from cop_filter.verdict import Plane


def result(state: State, listener: str = "udp 127.0.0.1:53", list_id: str = "national") -> Result:
    return Result(list_id, Plane.DNS, listener, state, 2, 0, None)


def test_what_is_kept_is_what_was_found(tmp_path: Path) -> None:
    found = Results(12.5, 7, (result("passed"), result("failed", "tcp 127.0.0.1:53")))
    (tmp_path / FILE).write_text(found.to_json())
    assert latest(tmp_path) == found


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"at": 1, "generation": 1, "results": [{}]}', "null"])
def test_a_damaged_file_is_as_none(tmp_path: Path, text: str) -> None:
    assert latest(tmp_path) is None
    (tmp_path / FILE).write_text(text)
    assert latest(tmp_path) is None


def test_a_list_is_as_well_as_the_worst_of_its_listeners() -> None:
    found = Results(0.0, 1, (result("passed"), result("unreachable", "tcp"), result("failed", "x", "other")))
    assert found.state_of("national", Plane.DNS) == "unreachable"
    assert found.state_of("other", Plane.DNS) == "failed"
    assert found.state_of("national", Plane.HTTP) is None
    assert not found.passed


def test_a_test_that_asked_nothing_has_not_passed() -> None:
    assert not Results(0.0, None, ()).passed
    assert Results(0.0, 1, (result("passed"),)).passed
