"""Who runs a command, and as whom it touches the state folder."""

import os
import pwd
import re
from contextlib import AbstractContextManager

from cop_filter import privileges
from cop_filter.config import Config


def as_account(config: Config) -> AbstractContextManager[None]:
    """Act as the configured account meanwhile, if this is root. Raises ConfigError, StateError."""
    return privileges.acting_as(privileges.account(config.user, config.group), config.state_dir)


def account_name() -> str:
    """The account that this process was started by, as a word that the audit log takes."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not have a name
        name = str(os.getuid())
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
