"""Why a reader meets the page, as far as that may be told.

Anybody may ask for the page with any Host. So it gives its reason only while the oracle budget of the
reader's network lasts; past that everybody gets the page of a Host that is not listed, before anything is
looked up.
"""

from collections.abc import Sequence
from typing import Protocol

from cop_filter.errors import InvalidUrl
from cop_filter.events import Events
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Plane, Query, Verdict

_PLANES = (Plane.DNS, Plane.HTTP, Plane.TLS)
"""Where a reader may come from, the likeliest first."""


class HostEngine(Protocol):
    """What the page needs of the engine."""

    @property
    def generation(self) -> int: ...

    def decide_host(self, name: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...

    def explain(self, query: Query) -> Verdict: ...


class Reasons:
    """Finds the verdicts that brought readers to the page."""

    def __init__(
        self, engine: HostEngine, profiles: ClientProfiles, oracle: OracleBudget, events: Events
    ) -> None:
        self._engine = engine
        self._profiles = profiles
        self._oracle = oracle
        self._events = events

    def reason(self, client: str, hosts: Sequence[str]) -> Verdict | None:
        """The verdict on the one host that a request names; None: there is none, or it may not be told.

        `hosts` are the request's Host headers.
        """
        account = self._oracle.account(client)
        if self._oracle.is_spent(account):
            self._oracle.refused()
            return None
        if len(hosts) != 1:
            return None
        try:
            query = self._stopped(Query(Plane.DNS, hosts[0], profile=self._profiles.of(client)))
            if query is None:
                return None
            verdict = self._engine.explain(query)
            told = self._oracle.may_tell(account, verdict, lambda: verdict.reference)
            self._oracle.report()
        except InvalidUrl:
            return None
        except Exception:  # noqa: BLE001  (whatever goes wrong, the reader still gets the page)
            self._events.fault(Plane.HTTP)
            return None
        if not told:
            self._oracle.refused()
        return verdict if told else None

    def _stopped(self, query: Query) -> Query | None:
        for plane in _PLANES:
            if self._engine.decide_host(query.host, plane, query.profile).stops:
                return query._replace(plane=plane)
        return None
