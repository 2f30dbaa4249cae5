"""The border: who may use the proxy at all, and that it leads nobody to the machine that it runs on.

No list's fail policy counts here, and mitmproxy goes on where an addon fails. So everything is refused first,
and let through once it is known to be right.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.mode_specs import ReverseMode, UpstreamMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from addons import lookups
from addons.asked import tunnel_end
from addons.reach import Reach

log = logging.getLogger("cop_filter.proxy")

_REFUSED = "refused by cop_filter"


class Border:
    """mitmproxy's hooks around a connection; `reach` gives what is configured."""

    def __init__(self, reach: Callable[[], Reach]) -> None:
        self._reach = reach
        self._told = False

    def running(self) -> None:
        """From here on, look-ups keep to what is allowed."""
        lookups.install(asyncio.get_running_loop())

    def client_connected(self, client: Client) -> None:
        """Cut off who is no client of this network, before anything is read."""
        before, client.error = client.error, _REFUSED
        if self._reach().admits(client.peername[0]):
            client.error = before
        elif not self._told:
            self._told = True
            log.warning("somebody outside proxy.clients was cut off; this is said only once")

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Lead nobody to this machine, whatever name it is given."""
        client, server = data.client, data.server
        if server.address is None or isinstance(client.proxy_mode, (ReverseMode, UpstreamMode)):
            return  # the operator has said where to go
        before, server.error = server.error, _REFUSED
        reach, peer = self._reach(), client.peername[0]
        lookups.restrict(partial(reach.leads_to, peer))
        if reach.leads(peer, *server.address[:2]):
            server.error = before


def leads(reach: Reach, flow: HTTPFlow) -> bool:
    """Whether a request may go where it wants. Inside a tunnel that was judged when the tunnel was dug.

    Raises InvalidUrl where its host is impossible.
    """
    if tunnel_end(flow.server_conn) is not None:
        return True
    request = flow.request
    return reach.leads(flow.client_conn.peername[0], request.data.host, request.data.port)
