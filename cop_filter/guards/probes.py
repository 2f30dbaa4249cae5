"""What is asked to prove one entry: its own spellings, and its neighbours. Pure; no name is looked up.

Each probe makes a word from an entry and a random label that no author of a list can foresee.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from cop_filter.entries import Entry
from cop_filter.index import RecordKind
from cop_filter.verdict import Kind


class Probe(NamedTuple):
    """`own`: the word must be matched by the entry; else it must not be."""

    name: str
    own: bool
    asked_as: Literal["host", "url"]
    word: Callable[[str, str], str]
    """Makes the word from the entry's key and a label."""


_RECORD_KIND: Mapping[tuple[Kind, bool, bool], RecordKind] = {
    (Kind.DOMAIN, False, False): RecordKind.DOMAIN,
    (Kind.DOMAIN, True, False): RecordKind.BELOW,
    (Kind.HOST, False, False): RecordKind.HOST,
    (Kind.URL, False, False): RecordKind.URL,
    (Kind.URL, False, True): RecordKind.URL_ANY_QUERY,
    (Kind.PREFIX, False, False): RecordKind.PREFIX,
    (Kind.PATTERN, False, False): RecordKind.PATTERN,
    (Kind.PATTERN, False, True): RecordKind.PATTERN,
    (Kind.KEYWORD, False, False): RecordKind.KEYWORD,
}


def record_kind(entry: Entry) -> RecordKind:
    """The kind of the index record that an entry makes."""
    return _RECORD_KIND[entry[0], entry[3], entry[4]]


def host_of(key: str) -> str:
    """The host of any key but a keyword."""
    return key.partition("/")[0]


def split(key: str) -> tuple[str, str]:
    """The host of a page-level key, and its path without the query."""
    host, slash, rest = key.partition("/")
    return host, slash + rest.partition("?")[0]


_ESCAPED: Mapping[str, str] = {chr(byte): f"%{byte:02x}" for byte in range(0x80)} | {"[": "["}
"""The first character of a host percent-encoded; a bracket (IPv6) cannot be."""


def _loud(key: str) -> str:
    host, _, rest = key.partition("/")
    host = host.upper()
    return f"HTTPS://{_ESCAPED[host[0]]}{host[1:]}:8443/{rest}"


def _sibling(key: str, label: str) -> str:
    host, path = split(key)
    return f"http://{host}{path[: path.rstrip('/').rfind('/') + 1]}{label}"


def _longer_page(key: str, label: str) -> str:
    host, path = split(key)
    return f"http://{host}{path}{label}"


def _own_host(name: str, word: Callable[[str, str], str]) -> Probe:
    return Probe(name, True, "host", word)


def _own_url(name: str, word: Callable[[str, str], str]) -> Probe:
    return Probe(name, True, "url", word)


def _other_host(name: str, word: Callable[[str, str], str]) -> Probe:
    return Probe(name, False, "host", word)


def _other_url(name: str, word: Callable[[str, str], str]) -> Probe:
    return Probe(name, False, "url", word)


_BESIDE_A_NAME = (
    _other_host("its parent", lambda key, _: key.partition(".")[2]),
    _other_host("a sibling", lambda key, label: f"{label}.{key.partition('.')[2]}"),
    _other_host("a longer name", lambda key, label: label + key),
    _other_host("another domain", lambda key, label: f"{key}.{label}.invalid"),
)
_AS_WRITTEN = _own_host("in capitals, with a dot at the end", lambda key, _: f"{key.upper()}.")
_AS_URL = _own_url("as a URL with port and escapes", lambda key, label: f"{_loud(key)}{label}?{label}")
_BELOW = _own_host("a subdomain", lambda key, label: f"{label}.{key}")
_BESIDE_A_PAGE = (
    _other_url("another page of its host", lambda key, label: f"http://{host_of(key)}/{label}"),
    _other_url("a page beside it", _sibling),
    _other_url("another host", lambda key, label: f"http://{label}.{key}"),
)
_PAGE = (
    _own_url("with a fragment", lambda key, label: f"http://{key}#{label}"),
    _own_url("as a URL with port and escapes", lambda key, _: _loud(key)),
    _other_url("a page with a longer name", _longer_page),
    *_BESIDE_A_PAGE,
)

PROBES: Mapping[RecordKind, tuple[Probe, ...]] = {
    RecordKind.DOMAIN: (_AS_WRITTEN, _BELOW, _AS_URL, *_BESIDE_A_NAME),
    RecordKind.BELOW: (
        _own_host("in capitals, with a dot at the end", lambda key, label: f"{label}.{key}.".upper()),
        _own_url("as a URL with port and escapes", lambda key, label: _loud(f"{label}.{key}")),
        _other_host("the name itself", lambda key, _: key),
        *_BESIDE_A_NAME,
    ),
    RecordKind.HOST: (_AS_WRITTEN, _AS_URL, _other_host("a subdomain", _BELOW.word), *_BESIDE_A_NAME),
    RecordKind.URL: (
        *_PAGE,
        _other_url(
            "another query", lambda key, label: f"http://{key.partition('?')[0]}?{label}={label}"
        ),
    ),
    RecordKind.URL_ANY_QUERY: (
        *_PAGE,
        _own_url("another query", lambda key, label: f"http://{key}?{label}={label}"),
    ),
    RecordKind.PREFIX: (
        _own_url("a page below it", lambda key, label: f"http://{key}{label}/{label}?{label}"),
        _own_url("as a URL with port and escapes", lambda key, _: _loud(key)),
        _other_url("a page with a longer name", lambda key, label: f"http://{key[:-1]}{label}/{label}"),
        *_BESIDE_A_PAGE,
    ),
    RecordKind.PATTERN: (
        _own_url("with words for its wildcards", lambda key, label: f"http://{_filled(key, label)}"),
        _other_url("another page of its host", lambda key, label: f"http://{host_of(key)}/{label}"),
        _other_url("a page below it", lambda key, label: f"http://{_filled(key, label)}/{label}"),
        _other_url("another host", lambda key, label: f"http://{label}.{_filled(key, label)}"),
    ),
    RecordKind.KEYWORD: (
        _own_url("alone in a URL", lambda key, label: f"http://{label}.invalid/{key}"),
        _other_url("inside a longer word", lambda key, label: f"http://{label}.invalid/{label}{key}{label}"),
        _other_url("a URL without it", lambda _, label: f"http://{label}.invalid/{label}"),
    ),
}  # fmt: skip
"""By the kind of record. A word that is no name or URL at all (too long) proves nothing, and need not."""

ADDRESS_PROBES: tuple[Probe, ...] = (
    _AS_URL,
    _other_url(
        "a host named after it",
        lambda key, label: f"http://{key.strip('[]').replace(':', '-')}.{label}.invalid/",
    ),
)


def first_own_word(kind: RecordKind, key: str, label: str) -> tuple[Literal["host", "url"], str]:
    """A word whose most specific match of this kind is the entry's own record."""
    probe = next(probe for probe in PROBES[kind] if probe.own)
    return probe.asked_as, probe.word(key, label)


def _filled(pattern: str, label: str) -> str:
    return pattern.replace("*", label)
