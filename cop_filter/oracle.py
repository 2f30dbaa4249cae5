"""What one client network may learn of confidential lists by asking: so many entries in a window.

Whoever asks a dictionary through learns a list from what is answered. So it is counted which entries a
network was told of. One that was told of `budget` different ones is refused whatever it asks until the
window ends, alike and before anything is looked up. What no list can block is still answered, for it teaches
nothing.

The counting is native (native/src/oracle.rs), in memory that all processes of a node share
(`oracle_sharing`), under a secret that is new in each window.
"""

import logging
import time
from collections.abc import Callable

from cop_filter import _native
from cop_filter.config import OracleConfig
from cop_filter.events import OracleEvent
from cop_filter.verdict import Verdict, is_confidential

log = logging.getLogger(__name__)


class OracleBudget:
    """The budgets of all client networks (IPv4 /24, IPv6 /56).

    `native` is shared by all who answer; without it one is made for this process. `count` is told what
    happened here. `clock` gives seconds of the clock that all processes share.
    """

    def __init__(
        self,
        config: OracleConfig,
        count: Callable[[OracleEvent, int], None],
        *,
        native: _native.Oracle | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.native = native or _native.Oracle(config.budget, config.window_s)
        self._count = count
        self._clock = clock
        self._warned: int | None = None

    @classmethod
    def unlimited(cls) -> "OracleBudget":
        """A budget that nobody ever spends."""
        return cls(OracleConfig(budget=0), lambda _event, _times: None)

    def account(self, client: str) -> int:
        """What a client's network is known by to those who share this; the address is forgotten."""
        return self.native.account(client)

    def is_spent(self, account: int) -> bool:
        """Whether a network was told enough; to be asked before anything is looked up for it."""
        return self.native.is_spent(account, self._clock())

    def may_tell(self, account: int, verdict: Verdict, entry: Callable[[], int | None]) -> bool:
        """Whether a network may be told what a verdict tells; that is counted.

        `entry` gives the opaque reference of the entry that decided; it is called where that matters. None,
        which only a swap in between can give, counts like one entry.
        """
        return not tells(verdict) or self.may_tell_entry(account, entry() or 0)

    def may_tell_entry(self, account: int, reference: int) -> bool:
        """Whether a network may be told that there is this entry; that is counted."""
        return self.native.tell(account, reference, self._clock())

    def refused(self) -> None:
        """Count a question that was refused because its network was told enough."""
        self._count("oracle_refused", 1)

    def report(self) -> None:
        """Count what was seen here since the last time, and say so once in a window, of nobody."""
        spent, crowded, window = self.native.collect()
        if crowded:
            self._count("oracle_crowded", crowded)
        if not spent:
            return
        self._count("oracle_budget_spent", spent)
        if window != self._warned:
            self._warned = window
            log.warning(
                "a client network was told of as many listed entries as oracle.budget allows, and is refused "
                "until the window ends; others in this window are counted only (oracle_budget_spent)"
            )


def tells(verdict: Verdict) -> bool:
    """Whether a client that is stopped, or led to the proxy stage, learns of an entry that is confidential.

    What a fault decides is no entry's doing.
    """
    decisive = verdict.stops or verdict.steers
    return decisive and verdict.kind is not None and is_confidential(verdict.list_id, verdict.legal_basis)
