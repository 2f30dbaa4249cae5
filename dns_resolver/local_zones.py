"""Names that a filtering resolver answers itself, for everyone, whatever the lists say.

They are protocol switches, not addresses: each lets a client find a way around the network's
resolver, or asks whether it may.
"""

from dns_resolver.answers import Answers
from dns_resolver.wire import Reply

_NODATA = ("resolver.arpa",)
"""RFC 9462 §6.4: served locally; no designated resolver means NODATA for every name and type."""

_NXDOMAIN = (
    "use-application-dns.net",  # a browser's own DNS over HTTPS stays off where this does not exist
    "mask.icloud.com",  # a relay service's two switches, documented for networks that must filter
    "mask-h2.icloud.com",
)


def answer(host: str, answers: Answers) -> Reply | None:
    """The local reply for `host` (lower case), or None when it is an ordinary name."""
    if _within(host, _NODATA):
        return answers.nodata()
    if _within(host, _NXDOMAIN):
        return answers.nxdomain()
    return None


def zones(answers: Answers) -> list[tuple[bytes, Reply]]:
    """Each zone's name in wire form, and the reply for it and all below it."""
    replies = [(zone, answers.nodata()) for zone in _NODATA] + [
        (zone, answers.nxdomain()) for zone in _NXDOMAIN
    ]
    return [(_wire(zone), reply) for zone, reply in replies]


def _wire(zone: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".")) + b"\0"


def _within(host: str, zones: tuple[str, ...]) -> bool:
    return host.endswith(zones) and any(host == zone or host.endswith("." + zone) for zone in zones)
