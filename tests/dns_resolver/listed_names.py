"""A real engine over published lists, swapped as a running resolver's is."""

from dataclasses import replace
from ipaddress import ip_address

from generations import a_config, a_list, an_exemption, dns, publish

from cop_filter.engine import Engine
from cop_filter.loader import load_snapshot
from cop_filter.store import Store

STEER = (ip_address("192.0.2.90"),)


class ListedNames:
    """`publish(national=[...])` compiles, publishes and swaps; `engine` decides."""

    def __init__(self, state_dir, *lists, steer_to=STEER, clock=None, exemptions=(), profiles=()):
        self.config = a_config(
            state_dir,
            *(lists or (a_list(),)),
            dns=dns(steer_to=steer_to),
            exemptions=exemptions,
            profiles=profiles,
        )
        self.engine = Engine() if clock is None else Engine(clock=clock)

    def exempt(self, entry, until):
        """From the next publish on."""
        self.config = replace(self.config, exemptions=(an_exemption(entry, until),))

    def publish(self, **entries_by_list):
        number = publish(self.config, **entries_by_list)
        self.engine.swap(load_snapshot(Store(self.config.state_dir), number))
        return number
