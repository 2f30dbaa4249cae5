"""Which profile a client has: the one whose configured networks hold its address."""

from collections.abc import Sequence

from cop_filter import _native
from cop_filter.config import ProfileConfig


class ClientProfiles:
    """The configured profiles by number, from 1 on; 0 is everyone else.

    Numbers are those of one configuration and stay within a process; what decides is asked by id.
    Addresses are compared and forgotten, never kept.
    """

    def __init__(self, profiles: Sequence[ProfileConfig] = ()) -> None:
        self.networks = [
            (network.network_address, network.prefixlen, number)
            for number, profile in enumerate(profiles, 1)
            for network in profile.networks
        ]
        self._ids = (None, *(profile.id for profile in profiles))
        self._numbers = _native.Profiles(self.networks)

    def of(self, client: str) -> str | None:
        """The id of a client's profile; None: everyone else. What is no address is everyone else's.

        An IPv4-mapped IPv6 address counts as IPv4.
        """
        return self._ids[self._numbers.of(client)]

    def id_of(self, number: int) -> str | None:
        """The id of the profile with a number."""
        return self._ids[number]
