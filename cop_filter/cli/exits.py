"""The exit codes of every command, in one table."""

import os
import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

from cop_filter.errors import ConfigError, CopFilterError, StateError


class Exit(IntEnum):
    """What a script may rely on."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    STATE = 3
    INTERNAL = 4


MEANINGS = {
    Exit.OK: "done, and everything is as it should be",
    Exit.REFUSED: "something was refused or failed: a list, a question to check, a role",
    Exit.USAGE: "the command line or the configuration is wrong",
    Exit.STATE: "the state folder cannot serve: nothing published, foreign or corrupt files, a second writer",
    Exit.INTERNAL: "a bug in cop-filter",
}
"""Printed by --help."""


def exit_code_of(run: Callable[[], object]) -> Exit:
    """Run one command line and turn how it ended into an exit code; messages go to standard error."""
    try:
        result = run()
    except Exception as exc:  # noqa: BLE001  the last seam: a bug must not print what it was working on
        code, lines = _explain(exc)
        for line in lines:
            print(line, file=sys.stderr)
        return code
    return result if isinstance(result, Exit) else Exit.OK


def _explain(error: Exception) -> tuple[Exit, list[str]]:
    code, lines = Exit.REFUSED, [str(error)]
    match error:
        case ConfigError():
            code = Exit.USAGE
            lines = ["the configuration is wrong:", *(f"  {problem}" for problem in error.problems)]
        case StateError():
            code = Exit.STATE
        case CopFilterError():
            pass
        case BrokenPipeError():
            # Whoever read our output has gone. Python would complain once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            lines = []
        case OSError():
            lines = [error.strerror or type(error).__name__]
            if error.filename:
                lines = [f"{lines[0]}: {error.filename}"]
        case _:
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {place.filename}:{place.lineno}"
            code, lines = Exit.INTERNAL, [f"internal error: {where}; please report it"]
    return code, [line if number else f"cop-filter: {line}" for number, line in enumerate(lines)]
