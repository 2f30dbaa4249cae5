"""The state folder is its owner's alone, and every process that starts looks."""

import os

import pytest
from generations import a_config, publish

import cop_filter
from cop_filter import state_folder
from cop_filter.errors import StateError
from cop_filter.report import counters
from cop_filter.store import Store


@pytest.fixture
def state(tmp_path):
    publish(a_config(tmp_path / "state"), national=["bad.example"])
    return tmp_path / "state"


@pytest.mark.parametrize(
    "name", ["index.key", "current", "generations/000001/index", "generations/000001/manifest"]
)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_open_is_named_with_what_to_do(state, name, mode):
    (state / name).chmod(mode)
    for start in (cop_filter.open, lambda path: Store(path).prepare()):
        with pytest.raises(
            StateError, match=rf"^{name} in state_dir may be opened by others.*: chmod 600 it$"
        ):
            start(state)


@pytest.mark.parametrize("name", ["", "generations", "generations/000001"])
def test_a_folder_that_others_may_look_into_is_named_with_what_to_do(state, name):
    (state / name).chmod(0o750)
    with pytest.raises(StateError, match="chmod 700 it"):
        cop_filter.open(state)


@pytest.mark.parametrize("name", sorted(state_folder.FILLED_BY_LIBRARIES))
def test_what_libraries_made_is_shut_away_by_the_state_folder(state, name):
    (state / name).mkdir(exist_ok=True)
    (state / name).chmod(0o755)
    (state / name / "made").write_text("")
    (state / name / "made").chmod(0o644)
    cop_filter.open(state)
    state.chmod(0o755)
    with pytest.raises(StateError, match="chmod 700"):
        cop_filter.open(state)


@pytest.mark.parametrize("name", ["index.key", "generations"])
def test_a_link_to_elsewhere_is_refused(state, tmp_path, name):
    (state / name).rename(tmp_path / "elsewhere")
    (state / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match=rf"{name} in state_dir is a symbolic link"):
        cop_filter.open(state)


def test_a_key_is_never_read_through_a_link(state, tmp_path):
    (state / "index.key").rename(tmp_path / "elsewhere")
    (state / "index.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError, match=r"index\.key cannot be read"):
        Store(state).keys()


def test_the_folder_itself_may_be_reached_through_a_link(state, tmp_path):
    (tmp_path / "link").symlink_to(state)
    assert cop_filter.open(tmp_path / "link").generation == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", ["", "index.key", "generations/000001/patterns"])
def test_a_file_of_another_user_is_refused(state, name):
    os.chown(state / name, 4242, 4242)
    with pytest.raises(StateError, match="chown"):
        cop_filter.open(state)


def test_counting_makes_no_state_folder_that_others_may_look_into(tmp_path):
    """mkdir gives its mode to the last folder alone."""
    old = os.umask(0o022)
    try:
        counters.prepare(tmp_path / "state")
    finally:
        os.umask(old)
    state_folder.check(tmp_path / "state")


def test_where_there_is_no_folder_there_is_nothing_to_check(tmp_path):
    state_folder.check(tmp_path / "none")
