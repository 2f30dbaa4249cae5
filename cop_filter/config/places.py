"""Reads places: sockets, client networks, paths, and where a list comes from."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from cop_filter.config.model import Address
from cop_filter.config.table import Reader
from cop_filter.config.values import text
from cop_filter.names import canonical_host


def address(default_port: int | None = None) -> Reader:
    """A socket address: "192.0.2.1:53", "[2001:db8::1]:53"; the port may be left out where one is usual."""
    example = "must be an IP address and a port, such as 127.0.0.1:5353 or [::1]:5353"

    def read(value: object) -> Address:
        written = text(value)
        host, port = _split(written)
        if port is None and default_port is None:
            raise ValueError(example)
        try:
            ip = ip_address(host)
        except ValueError:
            raise ValueError(f"{example}; names are not looked up here") from None
        if ip.version == 6 and port is not None and not written.startswith("["):
            raise ValueError(example)
        if port is None:
            return Address(str(ip), default_port or 0)
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            raise ValueError("the port must be from 1 to 65535")
        return Address(str(ip), int(port))

    return read


def _split(written: str) -> tuple[str, str | None]:
    if written.startswith("["):
        host, _, rest = written[1:].partition("]")
        return host, rest[1:] if rest.startswith(":") else None if not rest else ""
    if written.count(":") > 1:
        return written, None
    host, colon, port = written.partition(":")
    return host, port if colon else None


def ip(value: object) -> IPv4Address | IPv6Address:
    """One IP address without a port."""
    try:
        return ip_address(text(value))
    except ValueError:
        raise ValueError("must be an IP address, such as 192.0.2.80 or 2001:db8::80") from None


def network(value: object) -> IPv4Network | IPv6Network:
    """A client network in CIDR notation; a single address is a network of one."""
    written = text(value)
    try:
        return ip_network(written)
    except ValueError:
        pass
    try:
        meant = ip_network(written, strict=False)
    except ValueError:
        raise ValueError("must be a network, such as 10.0.0.0/8 or 2001:db8::/32") from None
    raise ValueError(f"has bits set to the right of the prefix length; did you mean {meant}?")


def path(base: Path) -> Reader:
    """A path; a relative one starts at the configuration's folder."""

    def read(value: object) -> Path:
        return base / text(value)

    return read


TRANSPORTS = ("https", "http", "signed+https", "signed+http", "tuf+https", "tuf+http", "taxii+https",
              "taxii+http", "axfr")  # fmt: skip
"""Schemes of sources over the network; with `http` the line itself is trusted."""


def source(base: Path) -> Reader:
    """Where a list comes from: one of TRANSPORTS or file: (RFC 8089); a relative file starts at `base`.

    A file: source is given back absolute, as `file:///…`. No message repeats the address: it may
    carry what the authority considers secret.
    """

    def read(value: object) -> str:
        written = text(value)
        try:
            parts = urlsplit(written)
            port_is_wrong = parts.port == 0
        except ValueError:
            raise ValueError("is not a well-formed URL") from None
        if parts.scheme == "file":
            return _file(parts, base)
        if parts.scheme not in TRANSPORTS:
            raise ValueError(
                "must start with https://, http:// or file: (file:lists/local.txt is relative to this file), "
                f"or with {', '.join(f'{each}://' for each in TRANSPORTS[2:])}"
            )
        if not parts.hostname or port_is_wrong or " " in written:
            raise ValueError("is not a well-formed URL")
        if "@" in parts.netloc:
            raise ValueError(
                "must not carry a user or password; use username with password_file or password_env"
            )
        canonical_host(parts.hostname)
        if parts.fragment:
            raise ValueError("must not have a fragment (#...)")
        return written

    return read


def _file(parts: SplitResult, base: Path) -> str:
    if parts.netloc not in ("", "localhost"):
        raise ValueError("write file:relative/path or file:///absolute/path (two slashes would name a host)")
    if parts.query or parts.fragment:
        raise ValueError("write '?' and '#' in a file's name as %3F and %23")
    if not parts.path:
        raise ValueError("names no file")
    return (base / unquote(parts.path)).resolve().as_uri()
