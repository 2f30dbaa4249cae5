"""The mitmproxy addon: `mitmdump -s addons/mitmproxy_addon.py --set cop_filter_config=FILE`.

Hooks only: each turns one event of mitmproxy's into a question, and the verdict into what mitmproxy does.
mitmproxy logs an addon's exception and lets the request through, so every hook is guarded here.

Each request of a lasting connection is decided anew, by the generation then in force. A TLS connection is
decided when it begins: one that passed untouched goes on untouched after its host has been listed.

`cop-filter proxy` runs this addon alone. Beside other scripts it must be the first `-s`, for a script's
exception skips those after it; and mitmdump reloads a script whose file changes, so stop it to upgrade.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mitmproxy import ctx, exceptions, http, tls
from mitmproxy.addonmanager import Loader
from mitmproxy.connection import Client
from mitmproxy.proxy import layer, layers
from mitmproxy.proxy.layers.http import HTTPMode
from OpenSSL import SSL

from addons import early_answer, quiet
from addons.asked import asked_of, is_websocket, names_unreadable_host, strip_upgrade, tunnel_end
from addons.border import Border, leads
from addons.decision import decide_connection, decide_request, hosts_of, inspects
from addons.gate import Gate, open_gate
from addons.responses import astray, blocked, has_body, last_resort, past_budget, refused
from addons.sniff import Protocol, sniff
from addons.telling import Telling
from cop_filter.errors import CopFilterError, InvalidUrl
from cop_filter.loader import Watcher
from cop_filter.verdict import Plane

log = logging.getLogger("cop_filter.proxy")

OPTION = "cop_filter_config"
SETTINGS = {"connection_strategy": "lazy", "validate_inbound_headers": True, **quiet.SETTINGS}
"""What the filter cannot do without. Lazy: no origin hears of a request before it is decided."""

_SWITCHING_PROTOCOLS = 101
_REFUSED = "refused by cop_filter"


class CopFilter:
    """Enforces the generation in force on everything that passes the proxy."""

    def __init__(self, gate: Gate | None = None) -> None:
        self._gate = gate
        self._watcher: Watcher | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reported: set[str] = set()
        self.addons = [Border(lambda: self._open_gate().reach)]
        early_answer.install()

    def load(self, loader: Loader) -> None:
        """Declare the option, and hush before the first client comes."""
        quiet.hush()
        loader.add_option(OPTION, str, "", "The configuration file of cop-filter.")

    def configure(self, updated: set[str]) -> None:
        """Open what the configuration names. Raises OptionsError, which ends mitmproxy at its start."""
        quiet.refuse_recording(ctx.options)
        path = getattr(ctx.options, OPTION)
        if OPTION in updated and path:
            try:
                self._gate, self._watcher = open_gate(Path(path))
            except CopFilterError as error:
                raise exceptions.OptionsError(f"{OPTION}: {error}") from error
        wrong = {
            name: value
            for name, value in SETTINGS.items()
            if name in ctx.options and getattr(ctx.options, name) != value
        }
        if wrong:
            ctx.options.update(**wrong)

    def running(self) -> None:
        """Follow the generations, and say no more than that something broke."""
        quiet.withhold()
        if self._gate is None:
            # While mitmproxy starts, an error logged here ends it.
            log.error(
                "set the option %s to the configuration file: until then, everything is blocked", OPTION
            )
        else:
            log.info("filtering; generation %d is in force", self._gate.engine.generation)
        if self._watcher is not None:
            self._watching = asyncio.get_running_loop().create_task(self._watcher.run())

    def done(self) -> None:
        """Stop following."""
        if self._watching is not None:
            self._watching.cancel()

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Name what a tunnel carries, before mitmproxy does, which trusts the first packet too much."""
        context = nextlayer.context
        target = tunnel_end(context.server)
        if nextlayer.layer or target is None or context.client.transport_protocol != "tcp":
            return
        with self._guard(Plane.HTTP, "next_layer", lambda: None):
            protocol = sniff(nextlayer.data_client())
            if protocol is Protocol.UNDECIDED:
                raise exceptions.AddonHalt
            if protocol is Protocol.TLS:
                nextlayer.layer = layers.ServerTLSLayer(context)
                nextlayer.layer.child_layer = layers.ClientTLSLayer(context)
            elif (
                protocol is Protocol.HTTP
                or context.client.tls_established
                or self._inspects(context.client, [target])
            ):
                # What is no HTTP after all is refused by the HTTP layer: it may not pass unseen.
                nextlayer.layer = layers.HttpLayer(context, HTTPMode.transparent)
            else:
                nextlayer.layer = layers.TCPLayer(context, ignore=True)  # relays, and keeps nothing

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Stop a tunnel to a listed host before it is dug."""
        with self._guard(Plane.TLS, "http_connect", lambda: _stop(flow, last_resort(flow.request))):
            gate = self._open_gate()
            try:
                if not leads(gate.reach, flow):
                    _stop(flow, astray(flow.request))
                    return
                telling = Telling(gate, flow.client_conn.peername[0])
                hosts = hosts_of(asked_of(flow))
                if telling.is_over_for_tunnel(hosts):
                    _stop(flow, past_budget(flow.request))
                    return
                verdict = decide_connection(gate.engine, hosts, telling.profile)
            except InvalidUrl:
                _stop(flow, refused(flow.request))
                return
            if not telling.may_stop_tunnel(verdict, hosts):
                _stop(flow, past_budget(flow.request))
                return
            gate.events.decided(Plane.TLS, verdict)
            if verdict.stops:
                _stop(flow, blocked(flow.request, verdict, gate.operator))

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Stop TLS to a listed host, decrypt it where pages are listed, leave all other TLS untouched."""
        target = tunnel_end(data.context.server)
        if target is None:
            return  # the client secures its way to this proxy
        client = data.context.client
        with self._guard(Plane.TLS, "tls_clienthello", lambda: setattr(client, "error", _REFUSED)):
            gate = self._open_gate()
            sni = data.client_hello.sni
            hosts = [target, sni.encode()] if sni else [target]
            telling = Telling(gate, client.peername[0])
            try:
                if telling.is_over_for_tunnel(hosts):
                    client.error = _REFUSED
                    return
                verdict = decide_connection(gate.engine, hosts, telling.profile)
                inspected = gate.inspect and inspects(gate.engine, hosts, telling.profile)
            except InvalidUrl:
                client.error = _REFUSED
                return
            if not telling.may_stop_tunnel(verdict, hosts):
                client.error = _REFUSED
                return
            gate.events.decided(Plane.TLS, verdict)
            stopped = verdict.stops or names_unreadable_host(data.client_hello)
            if stopped or (inspected and not telling.may_inspect(hosts)):
                client.error = _REFUSED
            else:
                data.ignore_connection = not inspected

    def tls_start_client(self, data: tls.TlsData) -> None:
        """Fail the handshake that `tls_clienthello` has refused: a server without a certificate has to."""
        if data.context.client.error == _REFUSED:
            data.ssl_conn = SSL.Connection(SSL.Context(SSL.TLS_SERVER_METHOD))
            data.ssl_conn.set_accept_state()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Decide a request before any byte of it, or of its body, goes anywhere."""
        if flow.error is not None:
            return  # mitmproxy has refused it
        with self._guard(Plane.HTTP, "requestheaders", lambda: _stop(flow, last_resort(flow.request))):
            gate = self._open_gate()
            try:
                if not leads(gate.reach, flow):
                    _stop(flow, astray(flow.request))
                    return
                telling = Telling(gate, flow.client_conn.peername[0])
                asked = asked_of(flow)
                if telling.is_over_for_request(hosts_of(asked)):
                    _stop(flow, past_budget(flow.request))
                    return
                verdict = decide_request(gate.engine, asked, telling.profile)
            except InvalidUrl:
                _stop(flow, refused(flow.request))
                return
            if not telling.may_stop_request(verdict, asked):
                _stop(flow, past_budget(flow.request))
                return
            gate.events.decided(Plane.HTTP, verdict)
            if verdict.stops:
                _stop(flow, blocked(flow.request, verdict, gate.operator))
                return
            strip_upgrade(flow.request)
            flow.request.stream = True

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Pass answers on as they come, and let a connection become a WebSocket and nothing else."""
        with self._guard(Plane.HTTP, "responseheaders", flow.kill):
            if flow.response is None:
                return
            if flow.response.status_code != _SWITCHING_PROTOCOLS:
                flow.response.stream = True
            elif not is_websocket(flow.request, flow.response):
                flow.kill()

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Forget what was said: mitmproxy keeps every message for as long as the connection lasts."""
        if flow.websocket is not None:
            flow.websocket.messages.clear()

    def _inspects(self, client: Client, hosts: Sequence[bytes]) -> bool:
        gate = self._open_gate()
        telling = Telling(gate, client.peername[0])
        inspected = inspects(gate.engine, hosts, telling.profile)
        if inspected:
            telling.may_inspect(hosts)  # counted; what is no HTTP is refused either way
        return inspected

    def _open_gate(self) -> Gate:
        if self._gate is None:
            raise LookupError(f"the option {OPTION} is not set")
        return self._gate

    @contextlib.contextmanager
    def _guard(self, plane: Plane, hook: str, fail: Callable[[], None]) -> Iterator[None]:
        """Count and report a fault of ours; unless every list is to fail open, `fail` stops its subject."""
        try:
            yield
        except exceptions.AddonHalt:
            raise
        except Exception:  # whatever a bug raises, the network keeps its filter
            gate = self._gate
            if gate is None or gate.closed:
                fail()
            if hook not in self._reported:  # once: a bug that every request meets must not fill the disk
                self._reported.add(hook)
                log.exception("the hook %s failed", hook)
            if gate is not None:
                with contextlib.suppress(Exception):
                    gate.events.fault(plane)


def _stop(flow: http.HTTPFlow, response: http.Response) -> None:
    """Answer in the origin's place, without waiting for the request's body."""
    flow.response = response
    flow.request.headers.pop("Expect", None)
    flow.request.stream = has_body(flow.request)


addons = [CopFilter()]
