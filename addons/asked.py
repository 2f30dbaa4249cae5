"""From mitmproxy's flows and connections to what their client asked; and what it may not ask for."""

import re

from mitmproxy.connection import Connection
from mitmproxy.http import HTTPFlow, Request, Response
from mitmproxy.tls import ClientHello

from addons.decision import Asked, bracketed
from cop_filter.errors import InvalidUrl

_WEBSOCKET = "websocket"
_WEBSOCKET_VERSION = "13"
_BREAK = re.compile(rb"[\r\n\x00]")
_SERVER_NAME = 0  # TLS ExtensionType Values


def asked_of(flow: HTTPFlow) -> Asked:
    """Every place of a request that names its site.

    Raises InvalidUrl on several Host headers, and on line breaks in a header (RFC 9112 §2.2, §5.2), behind
    which another origin may see another Host.
    """
    request = flow.request
    if any(_BREAK.search(value) for _, value in request.headers.fields):
        raise InvalidUrl("a header holds a line break")
    authorities = [value for name, value in request.headers.fields if name.lower() == b"host"]
    if len(authorities) > 1:
        raise InvalidUrl("the request has several Host headers")
    if request.method == "CONNECT":
        return Asked(b"https", b"/", authorities, _bytes(request.data.host))
    if request.data.authority:
        authorities.append(request.data.authority)
    tunnel = tunnel_end(flow.server_conn)
    if tunnel is None:
        authorities.append(bracketed(_bytes(request.data.host)))
    elif request.data.scheme == b"https" and flow.client_conn.sni:
        authorities.append(_bytes(flow.client_conn.sni))
    return Asked(request.data.scheme, request.data.path, authorities, tunnel)


def tunnel_end(server: Connection) -> bytes | None:
    """The host that the client had itself connected to, or None where it did not ask for a tunnel."""
    address = getattr(server, "address", None)
    return _bytes(address[0]) if address else None


def names_unreadable_host(hello: ClientHello) -> bool:
    """Whether a ClientHello carries a server name (RFC 6066 §3) that mitmproxy cannot read."""
    return hello.sni is None and any(number == _SERVER_NAME for number, _ in hello.extensions)


def strip_upgrade(request: Request) -> None:
    """Take away any Upgrade but WebSocket's (RFC 9110 §7.8 lets a proxy): nothing after it could be seen."""
    headers = request.headers
    if "Upgrade" not in headers or _upgrades_to_websocket(headers.get_all("Upgrade")):
        return
    for name in ("Upgrade", "HTTP2-Settings"):
        headers.pop(name, None)
    tokens = [token.strip() for token in headers.get("Connection", "").split(",")]
    kept = [token for token in tokens if token and token.lower() not in {"upgrade", "http2-settings"}]
    headers.pop("Connection", None)
    if kept:
        headers["Connection"] = ", ".join(kept)


def is_websocket(request: Request, response: Response) -> bool:
    """Whether a 101 opens a WebSocket (RFC 6455 §4) and nothing else."""
    return (
        _upgrades_to_websocket(request.headers.get_all("Upgrade"))
        and _upgrades_to_websocket(response.headers.get_all("Upgrade"))
        and request.headers.get("Sec-WebSocket-Version") == _WEBSOCKET_VERSION
    )


def _upgrades_to_websocket(values: list[str]) -> bool:
    return [value.strip().lower() for value in values] == [_WEBSOCKET]


def _bytes(host: str) -> bytes:
    return host.encode("utf-8", "surrogateescape")
