"""What profiles may name: lists that are a subscriber's choice, and clients that no other profile names."""

from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from cop_filter.config.keys import Sections
from cop_filter.verdict import LegalBasis


def check(sections: Sections, problems: list[str]) -> None:
    """Append every broken rule to `problems`; a value that could not be read breaks no rule here."""
    _lists(sections, problems)
    _networks(sections, problems)


def _lists(sections: Sections, problems: list[str]) -> None:
    basis = {values["id"]: values.get("legal_basis") for values in sections.lists if "id" in values}
    all_read = bool(basis) and all("id" in values for values in sections.lists)
    for place, profile in enumerate(sections.profiles):
        for item, name in enumerate(profile.get("lists", ())):
            where = f"profiles[{place}].lists[{item}]"
            if name is None:
                continue
            if name not in basis:
                if all_read:
                    problems.append(f"{where}: no list has the id {name!r}; {_hint(name, list(basis))}")
            elif basis[name] not in (LegalBasis.SUBSCRIBER, None):
                problems.append(
                    f"{where}: {name!r} holds for everybody, because its legal_basis is "
                    f"{str(basis[name])!r}; only a 'subscriber' list can be for some"
                )


def _hint(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from: {', '.join(known)}"


class _Named(NamedTuple):
    network: IPv4Network | IPv6Network
    profile: int
    where: str


def _networks(sections: Sections, problems: list[str]) -> None:
    named = [
        _Named(network, place, f"profiles[{place}].networks[{item}]")
        for place, profile in enumerate(sections.profiles)
        for item, network in enumerate(profile.get("networks", ()))
        if network is not None
    ]
    # Networks are nested or apart: what overlaps comes behind the outermost one that holds it.
    named.sort(key=lambda one: (one.network.version, one.network.network_address, one.network.prefixlen))
    outermost: _Named | None = None
    for one in named:
        if outermost is None or not _holds(outermost.network, one.network):
            outermost = one
        elif one.profile != outermost.profile:
            problems.append(f"{one.where}: overlaps {outermost.where}; a client has one profile at most")


def _holds(outer: IPv4Network | IPv6Network, inner: IPv4Network | IPv6Network) -> bool:
    return outer.version == inner.version and inner.network_address in outer
