"""Logging to standard error, set up in one place, so that nothing can be written down about anyone.

Our own messages hold no name, URL or address by rule. A foreign library's message may quote one, and
so may an exception's text: of those only what cannot is written, the logger, the level, the type of
the exception and where it was raised.
"""

import logging
import sys
import traceback
from types import TracebackType
from typing import TextIO

from cop_filter.errors import CopFilterError

_OURS = ("cop_filter", "dns_resolver", "addons")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all logging of this process to `stream` (standard error), replacing what was set up."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(DiscreetFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)


class DiscreetFormatter(logging.Formatter):
    """Formats our records whole, and of foreign records and of exceptions only where they come from."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One record, on one line unless an exception follows."""
        if record.name.partition(".")[0] in _OURS:
            return super().format(record)
        discreet = logging.makeLogRecord(record.__dict__)
        discreet.msg, discreet.args = f"(message withheld, {record.filename}:{record.lineno})", ()
        discreet.message, discreet.exc_text, discreet.stack_info = "", None, None
        return super().format(discreet)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the name is the base class's
        """The exception's type and frames; its text only where it is one of ours, clean by rule."""
        kind, error, trace = ei
        if kind is None or error is None:
            return ""
        text = f": {error}" if isinstance(error, CopFilterError) else ""
        frames = [f"  {one.filename}:{one.lineno} in {one.name}" for one in traceback.extract_tb(trace)]
        return "\n".join([f"{kind.__name__}{text}", *frames])
