"""Requests of other processes of this machine."""

from pathlib import Path

import pytest

from cop_filter.errors import StateError
from cop_filter.push import wake


def test_each_request_is_given_once(tmp_path: Path) -> None:
    assert wake.asked(tmp_path) == set()
    for list_id in ("national", "other", "national"):
        wake.ask(tmp_path, list_id)
    assert wake.asked(tmp_path) == {"national", "other"}
    assert wake.asked(tmp_path) == set()


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    wake.ask(tmp_path, "national")
    folder = tmp_path / "wake"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "national").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_taken_away_is_not_given_for_ever(tmp_path: Path) -> None:
    (tmp_path / "wake" / "a-folder").mkdir(parents=True)
    assert wake.asked(tmp_path) == set()


def test_a_state_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "wake").write_text("")
    with pytest.raises(StateError, match="national cannot be asked for"):
        wake.ask(tmp_path, "national")


@pytest.mark.parametrize("list_id", ["", "..", "../index.key", "a/b"])
def test_an_id_never_leads_out_of_the_folder(tmp_path: Path, list_id: str) -> None:
    with pytest.raises(ValueError, match="no id"):
        wake.ask(tmp_path, list_id)
