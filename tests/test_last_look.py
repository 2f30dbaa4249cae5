"""When it was last looked for what ends by itself."""

import stat
from pathlib import Path

from cop_filter.last_look import LastLook

NOW = 1_800_000_000.0


def test_the_first_look_is_now(tmp_path: Path) -> None:
    assert LastLook(tmp_path / "looked", NOW).at == NOW


def test_the_next_run_goes_on_from_the_last_look_of_this_one(tmp_path: Path) -> None:
    LastLook(tmp_path / "looked", NOW).seen(NOW + 60)
    assert LastLook(tmp_path / "looked", NOW + 900).at == NOW + 60
    assert stat.S_IMODE((tmp_path / "looked").stat().st_mode) == 0o600


def test_a_look_from_the_future_was_by_a_clock_that_was_wrong(tmp_path: Path) -> None:
    LastLook(tmp_path / "looked", NOW).seen(NOW + 900)
    assert LastLook(tmp_path / "looked", NOW).at == NOW


def test_where_nothing_can_be_kept_this_run_knows_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "looked").symlink_to("elsewhere")
    look = LastLook(tmp_path / "looked", NOW)
    look.seen(NOW + 60)
    assert look.at == NOW + 60
    assert not (tmp_path / "elsewhere").exists()
