"""STIX 2.1 indicators -> lines of a plain list. Pure.

An indicator lists what its pattern compares by equality: `[url:value = '...']` a page,
`[domain-name:value = '...']` that one name, and any number of these joined by OR. What covers the subdomains
of a name is `LIKE '%.name'`, as a response policy zone has two triggers for it. An indicator that is revoked,
not valid yet, or no longer valid lists nothing; of several versions of one the newest counts.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cop_filter.errors import BadFormat

NOT_UNDERSTOOD = "a pattern beyond url:value and domain-name:value"
"""Stands for an indicator that lists nothing we can enforce exactly: no entry, and counted as a bad line."""

_STRING = r"'((?:[^'\\]|\\.)*)'"
_COMPARISON = re.compile(
    rf"\s*(url|domain-name):value\s*(?:(=|LIKE)\s*{_STRING}|IN\s*\(\s*({_STRING}(?:\s*,\s*{_STRING})*)\s*\))\s*"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Indicators:
    """Gathers indicators page by page; only the newest version of each is kept."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[datetime, Mapping[str, Any]]] = {}

    def add(self, objects: Iterable[object]) -> None:
        """Take a page of STIX objects; those that are no indicators list nothing. Raises BadFormat."""
        for one in objects:
            if not isinstance(one, dict):
                raise BadFormat("a STIX object is no JSON object")
            if one.get("type") != "indicator":
                continue
            modified = _moment(one.get("modified"))
            stix_id = one.get("id")
            if modified is None or not isinstance(stix_id, str):
                raise BadFormat("an indicator has no id, or no time at which it was modified")
            known = self._newest.get(stix_id)
            if known is None or known[0] < modified:
                self._newest[stix_id] = modified, one

    def lines(self, now: float) -> list[str]:
        """What the indicators list at that moment (Unix time), in an order that is always the same."""
        at = datetime.fromtimestamp(now, UTC)
        return sorted(line for _, one in self._newest.values() if _holds(one, at) for line in _entries(one))


def _holds(indicator: Mapping[str, Any], at: datetime) -> bool:
    valid_from, valid_until = _moment(indicator.get("valid_from")), _moment(indicator.get("valid_until"))
    if indicator.get("revoked") is True or (valid_from is not None and at < valid_from):
        return False
    # `valid_until` is the first moment at which it is not valid any more (STIX 2.1 §4.7).
    return valid_until is None or at < valid_until


def _entries(indicator: Mapping[str, Any]) -> Iterator[str]:
    pattern = indicator.get("pattern")
    if indicator.get("pattern_type") != "stix" or not isinstance(pattern, str):
        yield NOT_UNDERSTOOD
        return
    found = list(_compared(pattern))
    yield from [NOT_UNDERSTOOD] if None in found else [one for one in found if one is not None]


def _compared(pattern: str) -> Iterator[str | None]:
    """The entry of each comparison; None for what is not understood, and then nothing more."""
    observations = re.split(r"\]\s*OR\s*\[", pattern.strip())
    body = "] OR [".join(observations)
    if not (body.startswith("[") and body.endswith("]")):
        yield None
        return
    for part in body[1:-1].split("] OR ["):
        at = 0
        while True:
            match = _COMPARISON.match(part, at)
            if match is None:
                yield None
                return
            yield from _of(match)
            at = match.end()
            if at == len(part):
                break
            if not part.startswith("OR", at):
                yield None
                return
            at += len("OR")


def _of(match: re.Match[str]) -> Iterator[str | None]:
    kind, operator, value, several = match[1], match[2], match[3], match[4]
    values = [value] if several is None else re.findall(_STRING, several)
    for written in values:
        text = _ESCAPED.sub(r"\1", written)
        if operator == "LIKE":
            below = kind == "domain-name" and re.fullmatch(r"%\.([^%_]+)", text)
            yield f"*.{below[1]}" if below else None
        elif kind == "domain-name":
            yield f"={text}"
        else:
            yield _page(text)


def _page(url: str) -> str | None:
    """The URL as the plain grammar writes a page: there `*` is a wildcard, and a last `/` a folder."""
    if "/" not in url:
        return None
    url = url.replace("*", "%2A")
    return f"{url}?" if url.endswith(("/", "\\")) and not re.fullmatch(r"[a-z]+://[^/]*/", url) else url


def _moment(text: object) -> datetime | None:
    """A STIX timestamp (RFC 3339)."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadFormat("an indicator has a time that is none") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
