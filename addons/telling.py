"""What one client may still be told: the oracle budget of its network, as the hooks ask for it."""

from collections.abc import Callable, Sequence

from addons.decision import Asked, can_be_listed, confidential_pages, entry_of_connection, entry_of_request
from addons.gate import Gate
from cop_filter.verdict import Verdict


class Telling:
    """One client's, in one hook. What may not be told is refused, and counted as that."""

    def __init__(self, gate: Gate, client: str) -> None:
        self._gate = gate
        self._oracle = gate.oracle
        self._account = gate.oracle.account(client)
        self.profile = gate.profiles.of(client)

    def is_over_for_tunnel(self, hosts: Sequence[bytes]) -> bool:
        """Whether a tunnel to these hosts is refused because enough was told. To be looked at first."""
        return self._is_over(
            lambda: can_be_listed(
                self._gate.engine, hosts, self.profile, tunnel=True, inspect=self._gate.inspect
            )
        )

    def is_over_for_request(self, hosts: Sequence[bytes]) -> bool:
        """The same for a request."""
        return self._is_over(lambda: can_be_listed(self._gate.engine, hosts, self.profile, tunnel=False))

    def may_stop_request(self, verdict: Verdict, asked: Asked) -> bool:
        """Whether the client may be told that a request is stopped."""
        return self._may_tell(verdict, lambda: entry_of_request(self._gate.engine, asked, self.profile))

    def may_stop_tunnel(self, verdict: Verdict, hosts: Sequence[bytes]) -> bool:
        """Whether the client may be told that a tunnel is stopped."""
        return self._may_tell(verdict, lambda: entry_of_connection(self._gate.engine, hosts, self.profile))

    def may_inspect(self, hosts: Sequence[bytes]) -> bool:
        """Whether the client may see that requests to these hosts are looked at: some of their pages are
        listed."""
        references = confidential_pages(self._gate.engine, hosts, self.profile)
        told = [self._oracle.may_tell_entry(self._account, reference) for reference in references]
        return self._noted(all(told))

    def _is_over(self, can_be_listed: Callable[[], bool]) -> bool:
        over = self._oracle.is_spent(self._account) and can_be_listed()
        if over:
            self._oracle.refused()
        return over

    def _may_tell(self, verdict: Verdict, entry: Callable[[], int | None]) -> bool:
        return self._noted(self._oracle.may_tell(self._account, verdict, entry))

    def _noted(self, told: bool) -> bool:
        self._oracle.report()
        if not told:
            self._oracle.refused()
        return told
