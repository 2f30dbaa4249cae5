"""Gives up what a process needs only to bind its ports: root, its groups, its capabilities.

Capabilities belong to a thread (capabilities(7)), so this is for a process that has only one yet. What
the standard library has no call for goes through the C library.
"""

import contextlib
import ctypes
import grp
import logging
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cop_filter import lifeline, secrecy
from cop_filter.errors import ConfigError, StateError

_PR_CAPBSET_DROP = 24  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
_MOST_CAPABILITIES = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """Who a role runs as once its ports are bound; `name` is for messages."""

    name: str
    uid: int
    gid: int


def account(user: str | None, group: str | None) -> Account | None:
    """The account of the configuration's `user` and `group`; None where no user is named.

    Raises ConfigError when this machine does not know them, or the account is root's.
    """
    if user is None:
        return None
    try:
        known = pwd.getpwnam(user)
    except KeyError:
        raise ConfigError([f"user: this machine has no user {user!r}; make it, or name another"]) from None
    if known.pw_uid == 0:
        raise ConfigError(["user: is root, which is what shall be given up; name an ordinary user"])
    try:
        gid = known.pw_gid if group is None else grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError([f"group: this machine has no group {group!r}; make it, or name another"]) from None
    return Account(user, known.pw_uid, gid)


def give_up(to: Account | None, state_dir: Path) -> None:
    """Be `to` for good, if this is root; have no capability and never gain one, if it is not.

    Root without an account stays root, which is logged. Raises ConfigError for an ordinary user that
    is not `to`, and StateError when `to` cannot use the state folder.
    """
    if os.geteuid() == 0:
        if to is None:
            if not lifeline.is_tied():  # who started this has told
                warn_of_root()
            return
        _make(state_dir, to)
        _become(to)
        _log.info("the ports are bound: from here on as user %s", to.name)
    elif to is not None and to.uid != os.geteuid():
        raise ConfigError([f"user: only root can become {to.name}; start this as root, or as that user"])
    _drop_capabilities()
    _check_lost()
    if to is not None:
        _check_usable(state_dir, to)


def warn_of_root() -> None:
    """Say that this is root, if it is: the operator may not know."""
    if os.geteuid() == 0:
        _log.warning('running as root: name an ordinary user for this, such as user = "cop-filter"')


@contextlib.contextmanager
def acting_as(who: Account | None, state_dir: Path) -> Iterator[None]:
    """Make files as `who` meanwhile, if this is root; the state folder is made for him if it is missing.

    For a process that will start others as root, and must not own what they share.
    """
    if who is None or os.geteuid() != 0:
        yield
        return
    _make(state_dir, who)
    os.setegid(who.gid)
    os.seteuid(who.uid)
    try:
        _check_usable(state_dir, who)
        yield
    finally:
        be_root_again()


def be_root_again() -> None:
    """Undo what `acting_as` did, in a child before it becomes its program; nothing where it did nothing."""
    if os.getuid() == 0:
        os.seteuid(0)
        os.setegid(0)


def _make(state_dir: Path, owner: Account) -> None:
    """Make the state folder if it is missing: in /var/lib that takes root."""
    if state_dir.exists():
        return
    try:
        state_dir.mkdir(mode=0o700, parents=True)
        os.chown(state_dir, owner.uid, owner.gid)
    except OSError as error:
        raise StateError(f"state_dir cannot be prepared: {error.strerror}") from None


def _check_usable(state_dir: Path, who: Account) -> None:
    key = state_dir / "index.key"
    usable = os.access(state_dir, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)
    if not usable or (key.exists() and not os.access(key, os.R_OK, effective_ids=True)):
        raise StateError(f"state_dir is not of user {who.name}: chown -R {who.name} it")


def _become(to: Account) -> None:
    parent, tied = os.getppid(), lifeline.is_tied()
    os.setgroups([])
    os.setresgid(to.gid, to.gid, to.gid)
    _empty_bounding_set()  # takes a capability that goes with the user
    os.setresuid(to.uid, to.uid, to.uid)
    # The kernel forgets both when a process takes on another user.
    secrecy.keep()
    if tied:
        lifeline.end_with(parent)


def _drop_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    _called(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _called(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _called(libc.capset(header, nothing))


def _empty_bounding_set() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_MOST_CAPABILITIES):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            return  # one that this kernel does not have: it has no higher one either


def _called(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"giving up privileges failed: {os.strerror(number)}")


def _check_lost() -> None:
    """Try to get root back. What was only believed to be given up must not answer a packet."""
    for call in (os.seteuid, os.setuid, os.setegid, os.setgid):
        if call in (os.setegid, os.setgid) and os.getgid() == 0:
            continue  # an ordinary user whose group is root's: it was started so
        try:
            call(0)
        except PermissionError:
            continue
        raise StateError("root could not be given up")
