"""One oracle budget for all processes of a node: its memory is handed on from parent to child.

`cop-filter serve` makes it and hands its descriptor, named in an environment variable, to the roles that tell
clients anything. A role that was started alone makes its own, which those that it forks share. It has no
name in any file system, and is gone with the last process that has it.
"""

import logging
import os
from collections.abc import Mapping

from cop_filter import _native
from cop_filter.config import OracleConfig

VARIABLE = "COP_FILTER_ORACLE"
"""Where a role finds the number of the descriptor that it was handed."""

_log = logging.getLogger(__name__)


def share(config: OracleConfig) -> _native.Oracle | None:
    """What to hand on, to be kept as long as somebody may be started; None where the system gives none."""
    try:
        return _native.Oracle.shared(config.budget, config.window_s)
    except OSError as error:
        _log.error("no memory to share (%s): each role counts oracle.budget for itself", error.strerror)
        return None


def joined(config: OracleConfig, environment: Mapping[str, str] = os.environ) -> _native.Oracle:
    """The oracle that this process was handed, or its own. OSError: the system gives no memory."""
    handed = environment.get(VARIABLE)
    if handed is None:
        return _native.Oracle(config.budget, config.window_s)
    try:
        descriptor = int(handed)
        oracle = _native.Oracle.joined(descriptor, config.budget, config.window_s)
        os.set_inheritable(descriptor, False)
    except (OSError, OverflowError, ValueError):
        # The configuration has changed since, for example.
        _log.warning("the memory that was handed on counts something else: counting oracle.budget alone")
        return _native.Oracle(config.budget, config.window_s)
    return oracle
