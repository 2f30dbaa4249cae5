"""Until when it was looked for what ends by itself, over all runs: the time of a file in the state folder.

What ended while nothing ran is then found by the next run, be it hours later.
"""

import logging
import os
from pathlib import Path

_log = logging.getLogger(__name__)


class LastLook:
    """`now` (Unix seconds) counts as the last look where there was none before."""

    def __init__(self, file: Path, now: float) -> None:
        self._file = file
        try:
            self.at = min(file.stat().st_mtime, now)
        except OSError:
            self.at = now

    def seen(self, now: float) -> None:
        """All that has ended until `now` is recorded. Where that cannot be kept, only this run knows."""
        self.at = now
        try:
            os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            os.utime(self._file, (now, now))
        except OSError as error:
            _log.warning("when the lists were last looked at cannot be kept: %s", error.strerror)
