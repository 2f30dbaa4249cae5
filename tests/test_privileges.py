"""What a process gives up once its ports are bound, and that it cannot get it back."""

import grp
import os
import pwd
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from cop_filter import privileges
from cop_filter.errors import ConfigError
from cop_filter.privileges import Account

NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user to give up")

START = """
import ctypes, os, sys
from pathlib import Path
from cop_filter import lifeline, logs, privileges
from cop_filter.errors import CopFilterError
logs.set_up()
nobody = privileges.account("nobody", None)
state_dir = Path(sys.argv[1]) / "state"
def status():
    lines = (line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: value.split() for name, value in lines}
"""


def run(folder: Path, code: str) -> str:
    """What a process of its own prints; the folder is one that every user may look into."""
    words = [sys.executable, "-c", START + textwrap.dedent(code), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open")
    for each in (folder, *folder.parents):
        if each.owner() == "root" and not each.stat().st_mode & 0o001 and "pytest" in str(each):
            each.chmod(0o711)
    return folder


def test_a_user_or_group_that_this_machine_does_not_know_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^user: this machine has no user 'no-such-user'"):
        privileges.account("no-such-user", None)
    with pytest.raises(ConfigError, match=r"^group: this machine has no group 'no-such-group'"):
        privileges.account("nobody", "no-such-group")
    with pytest.raises(ConfigError, match=r"^user: is root"):
        privileges.account("root", None)


def test_a_user_has_his_own_group_unless_another_is_named() -> None:
    assert privileges.account(None, None) is None
    assert privileges.account("nobody", None) == Account("nobody", NOBODY.pw_uid, NOBODY.pw_gid)
    daemon = grp.getgrnam("daemon").gr_gid
    assert privileges.account("nobody", "daemon") == Account("nobody", NOBODY.pw_uid, daemon)


@as_root
def test_root_is_given_up_with_all_groups_and_capabilities(folder: Path) -> None:
    said = run(
        folder,
        """
        privileges.give_up(nobody, state_dir)
        found = status()
        for name in ("Uid", "Gid", "Groups", "NoNewPrivs"):
            print(name, *found[name])
        print(*{found[f"Cap{kind}"][0] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")})
        """,
    )
    uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
    assert said.splitlines()[:5] == [
        f"Uid {uid} {uid} {uid} {uid}",
        f"Gid {gid} {gid} {gid} {gid}",
        "Groups",
        "NoNewPrivs 1",
        "0000000000000000",
    ]


@as_root
@pytest.mark.parametrize("call", ["setuid(0)", "seteuid(0)", "setgid(0)", "setgroups([0])", "chroot('/')"])
def test_root_is_never_got_back(folder: Path, call: str) -> None:
    said = run(
        folder,
        f"""
        privileges.give_up(nobody, state_dir)
        try:
            os.{call}
        except PermissionError:
            print("refused")
        """,
    )
    assert said.startswith("refused")


@as_root
def test_an_ordinary_user_gives_up_the_capabilities_that_he_was_given(folder: Path) -> None:
    said = run(
        folder,
        """
        ctypes.CDLL(None).prctl(8, 1, 0, 0, 0)  # PR_SET_KEEPCAPS
        os.setresgid(nobody.gid, nobody.gid, nobody.gid)
        os.setresuid(nobody.uid, nobody.uid, nobody.uid)
        print(int(status()["CapPrm"][0], 16) != 0)
        privileges.give_up(None, state_dir)
        found = status()
        print(*{found[f"Cap{kind}"][0] for kind in ("Inh", "Prm", "Eff", "Amb")}, *found["NoNewPrivs"])
        """,
    )
    assert said.splitlines() == ["True", "0000000000000000 1"]


@as_root
def test_root_without_a_user_is_told_once_and_stays(folder: Path) -> None:
    said = run(folder, "privileges.give_up(None, state_dir); print(os.geteuid())")
    assert said.count("running as root: name an ordinary user") == 1
    assert said.startswith("0\n")


@as_root
def test_an_ordinary_user_cannot_become_another(folder: Path) -> None:
    said = run(
        folder,
        """
        os.setresuid(1, 1, 1)
        try:
            privileges.give_up(nobody, state_dir)
        except CopFilterError as error:
            print(error)
        """,
    )
    assert said.startswith("user: only root can become nobody")


@as_root
def test_a_missing_state_folder_is_made_for_the_user(folder: Path) -> None:
    run(folder, "privileges.give_up(nobody, state_dir); (state_dir / 'metrics').mkdir()")
    status = (folder / "state").stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (NOBODY.pw_uid, NOBODY.pw_gid, 0o700)


@as_root
@pytest.mark.parametrize("call", ["privileges.give_up", "privileges.acting_as"])
def test_a_state_folder_of_another_user_is_refused_with_what_to_do(folder: Path, call: str) -> None:
    said = run(
        folder,
        f"""
        state_dir.mkdir(mode=0o700)
        try:
            with {call}(nobody, state_dir):
                pass
        except CopFilterError as error:
            print(error)
        """,
    )
    assert "state_dir is not of user nobody: chown -R nobody it" in said


@as_root
def test_who_starts_others_makes_files_as_the_user_and_starts_them_as_root(folder: Path) -> None:
    said = run(
        folder,
        """
        import subprocess
        with privileges.acting_as(nobody, state_dir):
            (state_dir / "made").touch()
            words = ["/bin/sh", "-c", "id -u; id -g"]
            subprocess.run(words, preexec_fn=privileges.be_root_again, check=True)
        print(os.geteuid(), os.getegid(), (state_dir / "made").stat().st_uid, flush=True)
        """,
    )
    assert said.splitlines() == ["0", "0", f"0 0 {NOBODY.pw_uid}"]


@as_root
def test_a_process_still_ends_with_its_parent_when_it_has_become_another_user(folder: Path) -> None:
    said = run(
        folder,
        """
        lifeline.end_with(os.getppid())
        privileges.give_up(nobody, state_dir)
        print(lifeline.is_tied())
        """,
    )
    assert said.startswith("True\n")
