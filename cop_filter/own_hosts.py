"""The hosts that the filter itself needs, and the URLs that it fetches: no list may block them."""

from urllib.parse import urlsplit

from cop_filter.config import Config
from cop_filter.entries import Entry
from cop_filter.names import canonical_host, canonical_url
from cop_filter.verdict import Kind


def own_hosts(config: Config) -> list[Entry]:
    """List sources, upstreams, and where the page sends people for help; and the lists' own URLs."""
    sources = [each.source for each in config.lists]
    contacts = [config.operator.appeals, config.operator.hotline]
    hosts = [urlsplit(url).hostname for url in sources]
    hosts += [urlsplit(url).hostname for url in contacts if url.startswith(("http://", "https://"))]
    if config.dns is not None:
        hosts += [upstream.host for upstream in config.dns.upstreams]
    fetched = [canonical_url(url) for url in map(_as_fetched, sources) if url is not None]
    return [
        *(Entry(Kind.HOST, canonical_host(host).name) for host in hosts if host),
        *(Entry(Kind.URL, url.key, url.tag) for url in fetched),
    ]


def _as_fetched(source: str) -> str | None:
    """The URL that is asked for: of `tuf+https://…` it is what follows the `+`; None without one."""
    scheme, colon, rest = source.partition(":")
    transport = scheme.rpartition("+")[2]
    return transport + colon + rest if transport in ("http", "https") else None
