"""The operator's contacts as people read them and as machines follow them.

An operator writes a contact as one text: a web address, a mail address, a phone number, or words around
one of them.
"""

import re
from typing import NamedTuple
from urllib.parse import quote

_LINKABLE = re.compile(
    r"(?P<uri>(?:https?://|mailto:|tel:)[^\s<>\"]*[^\s<>\".,;:!?)])"
    r"|(?P<mail>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)",
    re.IGNORECASE,
)
_URI_SAFE = "%:/?#[]@!$&'()*+,;=-._~"


class Run(NamedTuple):
    """A stretch of text, with the address it leads to or None."""

    text: str
    href: str | None = None


def runs(contact: str) -> tuple[Run, ...]:
    """Split a contact into plain and linked stretches; joined, their texts are the contact again."""
    found: list[Run] = []
    end = 0
    for match in _LINKABLE.finditer(contact):
        if match.start() > end:
            found.append(Run(contact[end : match.start()]))
        found.append(Run(match.group(), _href(match)))
        end = match.end()
    if end < len(contact):
        found.append(Run(contact[end:]))
    return tuple(found)


def first_uri(*contacts: str) -> str | None:
    """The first URI that any of the contacts, in their order, leads to; ASCII only."""
    for contact in contacts:
        match = _LINKABLE.search(contact)
        if match:
            return _href(match)
    return None


def _href(match: re.Match[str]) -> str:
    mail = match.group("mail")
    uri = f"mailto:{mail}" if mail else match.group("uri")
    return quote(uri, safe=_URI_SAFE)
