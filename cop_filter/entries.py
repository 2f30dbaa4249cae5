"""What one entry of a list says: the only grammar, whatever format carried the text.

    bad.example               domain    the host and all its subdomains
    *.bad.example             domain    the subdomains only (`only_below`)
    =www.bad.example          host      exactly this host
    http://h.example/p        url       this page, with exactly this query (here: none)
    http://h.example/p?*      url       this page with any query or none (`any_query`)
    http://h.example/         url       the root page; never the whole host
    http://h.example/dir/     prefix    everything at or below /dir/
    http://h.example/a/*/b    pattern   `*`: any run without `/` and `?`

A text with a scheme or a `/` is a URL; the scheme may be missing. A page whose own address ends in
`/` is written with an empty query, `http://h.example/dir/?`; a literal `*` in a path as `%2A`.
Keywords have no spelling of their own: a format that can declare a kind calls `parse_as`.

Refused: addresses and networks standing alone (one address may serve many sites), top-level names
standing alone, hosts that no resolver could ask for, white space and control characters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from cop_filter import _native
from cop_filter.errors import InvalidEntry, InvalidUrl
from cop_filter.names import CanonicalUrl, canonical_host, canonical_urls
from cop_filter.verdict import Kind

MIN_KEYWORD_LENGTH = 4
MAX_NETWORK = 256
"""Addresses of a network that a list may name, where it may name any."""


class Entry(NamedTuple):
    """One entry in canonical form.

    `key` is a host name, or host, path and query without the scheme, or a keyword. `tag` tells which
    spelling the list used (0: the canonical one). A named tuple, because a list holds a million.
    """

    kind: Kind
    key: str
    tag: int = 0
    only_below: bool = False
    any_query: bool = False


# What the constructor does, without its call of a Python function: a third of the time of a parse.
_entry: Callable[[tuple[Kind, str, int, bool, bool]], Entry] = partial(tuple.__new__, Entry)


def parse(text: str) -> Entry:
    """Read one entry. Raises InvalidEntry with a reason that never repeats the text."""
    result = parse_many([text.strip()])[0]
    if isinstance(result, InvalidEntry):
        raise result
    return result


def parse_many(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    """Read many entries at once; the places of the result are those of `texts`. Never raises."""
    # Nearly all lines of nearly all lists are plain names and pages, which the native module reads.
    entries, others = _native.read_ordinary(list(texts), (Kind.DOMAIN, Kind.URL), _entry)
    results: list[Entry | InvalidEntry] = entries  # type: ignore[assignment]  # None is replaced below
    if others:
        rest = _by_definition([texts[place] for place in others])
        for place, result in zip(others, rest, strict=True):
            results[place] = result
    return results


def _by_definition(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    """The grammar as a whole, which what is ordinary is only a short cut of."""
    readers = [_urls if "/" in text or "\\" in text else _BY_MARK.get(text[:1], _domains) for text in texts]
    if _odd_bytes(texts).translate(None, _PRINTABLE):
        readers = [
            _unfit if _UNFIT.search(text) else reader for text, reader in zip(texts, readers, strict=True)
        ]
    results = {
        reader: iter(reader([text for text, its in zip(texts, readers, strict=True) if its is reader]))
        for reader in set(readers)
    }
    return [next(results[reader]) for reader in readers]


def parse_as(kind: str, text: str) -> Entry:
    """Read an entry whose kind the list declares beside it. Raises InvalidEntry.

    A declared kind narrows: a `host` is exact without `=`, a `url` ending in `/` is a page.
    """
    if kind == Kind.KEYWORD:
        return _keyword(text)
    entry = parse("=" + text if kind == Kind.HOST else text)
    if kind == Kind.URL and entry.kind is Kind.PREFIX:
        return entry._replace(kind=Kind.URL)
    if kind != entry.kind:
        raise InvalidEntry("it is not of the kind that the list declares for it")
    return entry


def parse_address(text: str) -> list[Entry]:
    """Read an address, or a network of at most MAX_NETWORK, as one exact host for each address.

    Only for lists that are allowed them: `parse` refuses both. Raises InvalidEntry.
    """
    try:
        network = ip_network(text.strip().removeprefix("=").replace("[", "").replace("]", ""))
    except ValueError:
        raise InvalidEntry("it is no plain address, and no network without bits behind its prefix") from None
    if network.num_addresses > MAX_NETWORK:
        raise InvalidEntry(f"it is a network of more than {MAX_NETWORK} addresses")
    return hosts_of(network)


def hosts_of(network: IPv4Network | IPv6Network) -> list[Entry]:
    """The addresses of a network as exact hosts."""
    return [
        Entry(Kind.HOST, canonical_host(f"[{each}]" if each.version == 6 else str(each)).name)
        for each in network
    ]


_PRINTABLE = bytes(range(0x21, 0x7F))
# Lone surrogates come from JSON escapes; they have no bytes, so nothing could ask for them.
_UNFIT = re.compile(r"[\s\x00-\x20\x7f-\xa0\ud800-\udfff]")


def _unfit(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    return [InvalidEntry("it has white space or control characters inside") for _ in texts]


# ---------------------------------------------------------------- names

# Hosts come straight from the native module, as (name, tag, is_address) or the reason why not: wrapping
# a million of them in `CanonicalHost` takes longer than all the rest.
_Host = tuple[str, int, bool]

_NAME_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_NAME = re.compile(r"[a-z0-9_.-]+")

ADDRESS = "it is an address or a network: list the URLs on it instead"
_NO_NAME = "its host is no name that a resolver could ask for"
_SINGLE_LABEL = "its host has a single label: a top-level domain, or no name at all"


def _odd_bytes(texts: Sequence[str]) -> bytes:
    """The bytes that no ordinary name has. None in most chunks of most lists, and quick to know."""
    return "".join(texts).encode("utf-8", "surrogatepass").translate(None, _NAME_BYTES)


def _domains(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    return _names(Kind.DOMAIN, texts)


def _below(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    return _names(Kind.DOMAIN, [text.removeprefix("*.") for text in texts], only_below=True)


def _hosts(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    return _names(Kind.HOST, [text[1:] for text in texts])


def _names(kind: Kind, texts: Sequence[str], *, only_below: bool = False) -> list[Entry | InvalidEntry]:
    hosts = _native.canonical_hosts(list(texts))
    if not _odd_bytes(texts):
        return _ordinary_names(kind, hosts, only_below=only_below)
    return [
        _entry((kind, host[0], host[1], only_below, False))
        if isinstance(host, tuple)
        and not host[2]
        and "." in host[0]
        and _NAME.fullmatch(host[0])
        # The canonical form drops a port: an entry for one service would cover all of the host.
        and ":" not in text
        else _no_name(host)
        for text, host in zip(texts, hosts, strict=True)
    ]


def _ordinary_names(kind: Kind, hosts: list[_Host | str], *, only_below: bool) -> list[Entry | InvalidEntry]:
    return [
        _entry((kind, host[0], host[1], only_below, False))
        if isinstance(host, tuple) and not host[2] and "." in host[0]
        else _no_name(host)
        for host in hosts
    ]


def _no_name(host: _Host | str) -> InvalidEntry:
    if isinstance(host, str):
        return InvalidEntry(host)
    name, _tag, is_address = host
    if is_address:
        return InvalidEntry(ADDRESS)
    return InvalidEntry(_NO_NAME if "." in name else _SINGLE_LABEL)


_Reader = Callable[[Sequence[str]], list[Entry | InvalidEntry]]
_BY_MARK: Mapping[str, _Reader] = {"=": _hosts, "*": _below}

# ---------------------------------------------------------------- URLs

_SCHEME = re.compile(r"(?:https?|wss?|ftp):", re.IGNORECASE)
_URL_HOST = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+\]")
_NETWORK = re.compile(r"(?:[0-9.]+|\[.*\]|[0-9A-Fa-f:]+)/[0-9]{1,3}")


def _urls(texts: Sequence[str]) -> list[Entry | InvalidEntry]:
    urls = canonical_urls(list(texts))
    hosts = [url.host for url in urls if isinstance(url, CanonicalUrl)]
    ordinary = not _odd_bytes(hosts)
    return [
        _entry((Kind.URL, url.key, url.tag, False, False))
        if ordinary
        and isinstance(url, CanonicalUrl)
        and text.startswith(("http://", "https://"))
        and text[-1] not in "/\\?"
        and "*" not in text
        else _special_url(text, url)
        for text, url in zip(texts, urls, strict=True)
    ]


def _special_url(text: str, url: CanonicalUrl | InvalidUrl) -> Entry | InvalidEntry:
    """Everything but the plain page: the rare cases, one by one."""
    address, mark = text, ""
    if "#" not in text:
        mark = "?*" if text.endswith("?*") else "?" if text.find("?") == len(text) - 1 else ""
        address = text.removesuffix(mark)
    if mark:
        # The mark is ours, so it must not count as a spelling of the address.
        url = canonical_urls([address])[0]
    if isinstance(url, InvalidUrl):
        return InvalidEntry(ADDRESS if _NETWORK.fullmatch(text) else str(url))
    refusal = _url_refusal(address, url)
    if refusal is None and mark == "?*" and url.query is not None:
        refusal = "it has a query before its `?*`"
    if refusal is not None:
        return InvalidEntry(refusal)
    written_path = re.split(r"[?#]", address, maxsplit=1)[0]
    if "*" in written_path:
        return _pattern(written_path, url, any_query=mark == "?*")
    # As written: `/dir/#top`, `/dir/?` and `/a/b/..` are pages, whatever path they come to.
    whole = written_path == text and text[-1] in "/\\"
    kind = Kind.PREFIX if whole and url.path[-1] == "/" and url.path != "/" else Kind.URL
    return Entry(kind, url.key, url.tag, any_query=mark == "?*")


def _url_refusal(text: str, url: CanonicalUrl) -> str | None:
    if not _URL_HOST.fullmatch(url.host):
        return _NO_NAME
    if _SCHEME.match(text):
        return None
    # Without a scheme, `192.0.2.0/24` and prose such as `n/a` look like URLs.
    if _NETWORK.fullmatch(url.key):
        return ADDRESS
    return _SINGLE_LABEL if "." not in url.host and url.host[0] != "[" else None


def _pattern(written_path: str, url: CanonicalUrl, *, any_query: bool) -> Entry | InvalidEntry:
    if written_path.count("*") != url.path.count("*"):
        return InvalidEntry("a `*` of its path is escaped, or vanishes when the path is resolved")
    if "**" in url.path:
        return InvalidEntry("it has two `*` in a row")
    if "*" in (url.query or ""):
        return InvalidEntry("it has a `*` in its query beside those in its path")
    if not url.path.strip("/*"):
        return InvalidEntry("its path is nothing but wildcards, which would cover the whole host")
    return Entry(Kind.PATTERN, url.key, url.tag, any_query=any_query)


# ---------------------------------------------------------------- keywords

# What can stand between two delimiters of a canonical URL; anything else would never match.
_KEYWORD = re.compile(r"[a-z0-9](?:[a-z0-9._~+-]*[a-z0-9])?")


def _keyword(text: str) -> Entry:
    word = text.lower()
    if len(word) < MIN_KEYWORD_LENGTH:
        raise InvalidEntry(f"a keyword needs at least {MIN_KEYWORD_LENGTH} characters")
    if not _KEYWORD.fullmatch(word):
        raise InvalidEntry("a keyword is one word of ASCII letters, digits and `-._~+` inside")
    return Entry(Kind.KEYWORD, word)
