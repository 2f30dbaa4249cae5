"""The lists that the operator's own configuration makes, beside those of authorities."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from cop_filter.canaries import SELF_TEST, SELF_TEST_HOST
from cop_filter.config import Config, ExemptionConfig
from cop_filter.entries import Entry, parse
from cop_filter.guards import never_block
from cop_filter.own_hosts import own_hosts
from cop_filter.policy import ListPolicy, Mode
from cop_filter.verdict import Kind, LegalBasis, Plane

ALL_PLANES = tuple(Plane)
OWN_HOSTS = "own-hosts"
"""The list of hosts that the filter itself needs, and of the URLs that it fetches."""
NEVER_BLOCK = "never-block"
"""The list of hosts that no list may block as a whole: the operator's, and those that everyone needs."""


def exempt_policy(list_id: str, until: float | None = None, mode: Mode = "exempt") -> ListPolicy:
    """A list of the operator's own, whose entries are allowed."""
    return ListPolicy(
        id=list_id,
        authority="operator",
        category="exemption",
        legal_basis=LegalBasis.MEMBERSHIP,
        planes=ALL_PLANES,
        mode=mode,
        until=until,
    )


def self_test() -> tuple[ListPolicy, list[Entry]]:
    """The list of the one host that is blocked to test that anything is."""
    policy = ListPolicy(
        id=SELF_TEST,
        authority="operator",
        category="self-test",
        legal_basis=LegalBasis.MEMBERSHIP,
        planes=ALL_PLANES,
        # When deciding fails, the authorities' lists say what holds: a test must not close the network.
        on_failure="open",
    )
    return policy, [Entry(Kind.HOST, SELF_TEST_HOST)]


def exemption(config: ExemptionConfig, number: int) -> tuple[ListPolicy, list[Entry]]:
    """An exemption as a list of one entry, in force to the end (UTC) of its last day."""
    midnight = datetime.combine(config.until + timedelta(days=1), time_of_day(), UTC)
    return exempt_policy(f"exemption-{number}", midnight.timestamp()), [parse(config.entry)]


def operator_lists(config: Config) -> list[tuple[ListPolicy, list[Entry]]]:
    """What the configuration itself lists. Raises ConfigError when a file of never-block names is wrong."""
    return [
        (exempt_policy(OWN_HOSTS, mode="protect"), own_hosts(config)),
        (exempt_policy(NEVER_BLOCK, mode="protect"), never_block.entries(config)),
        self_test(),
        *(exemption(each, number) for number, each in enumerate(config.exemptions, 1)),
    ]


def fingerprint(entries: Sequence[Entry], key: bytes) -> str:
    """A keyed digest of the operator's own entries: tells change without telling what they are."""
    return hashlib.blake2b(repr(sorted(entries)).encode(), digest_size=16, key=key).hexdigest()
