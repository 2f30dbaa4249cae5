"""Logging to standard error, set up in one place, so that nothing can be written down about anyone.

Our own messages hold no name, URL or address by rule. A foreign library's message may quote one, and
so may an exception's text: of those only what cannot is written, the logger, the level, the type of
the exception and where it was raised. Warnings come this way too: one about a socket that was never
closed names its peer.
"""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from cop_filter.errors import CopFilterError

_OURS = ("cop_filter", "dns_resolver", "addons")
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def set_up(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send all that this process has to say to `stream` (standard error), replacing what was set up."""
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    make_discreet(handler)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def make_discreet(handler: logging.Handler) -> None:
    """Have a handler write what this module allows, and no more often than is of use."""
    handler.setFormatter(DiscreetFormatter())
    if not any(isinstance(one, Sparing) for one in handler.filters):
        handler.addFilter(Sparing())


class Sparing(logging.Filter):
    """Lets each place in the code say `most` things in `within_s`, so that no client can fill the disk.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self, most: int = 200, within_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self._within_s = within_s
        self._clock = clock
        self._said: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be written; the last one for a while says so."""
        now = self._clock()
        place = (record.pathname, record.lineno)
        since, said = self._said.get(place, (now, 0))
        if now - since >= self._within_s:
            since, said = now, 0
        self._said[place] = since, said + 1
        if said + 1 == self._most:
            record.msg = f"{record.msg} (more of these are not written for now)"
        return said < self._most


class DiscreetFormatter(logging.Formatter):
    """Formats our records whole, and of foreign records and of exceptions only where they come from."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One record, on one line unless an exception follows."""
        discreet = logging.makeLogRecord(record.__dict__)
        # Another handler's formatter leaves an exception's whole text here.
        discreet.exc_text = None
        if record.name.partition(".")[0] not in _OURS:
            discreet.msg, discreet.args = f"(message withheld, {record.filename}:{record.lineno})", ()
            discreet.message, discreet.stack_info = "", None
        return super().format(discreet)

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  the name is the base class's
        """The exception's type and frames; its text only where it is one of ours, clean by rule."""
        kind, error, trace = ei
        if kind is None or error is None:
            return ""
        text = f": {error}" if isinstance(error, CopFilterError) else ""
        frames = [f"  {one.filename}:{one.lineno} in {one.name}" for one in traceback.extract_tb(trace)]
        return "\n".join([f"{kind.__name__}{text}", *frames])
