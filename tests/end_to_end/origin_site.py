"""An origin site on loopback that remembers what it was asked, over HTTP and HTTPS."""

import asyncio
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Self

from aiohttp import WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Origin:
    """Serves any host. `seen` holds (scheme, host, method, path) of every request, in order.

    `/film` is the file `film`, in ranges if asked; `/status/N` answers N; `/drip` waits in its middle for
    `drip_on`.

    `http_port`, `https_port`; `ca` is the file of the authority that vouches for it.
    """

    def __init__(self, folder: Path) -> None:
        self.seen: list[tuple[str, str, str, str]] = []
        self.film = folder / "film"
        self.drip_on = threading.Event()
        self.ca = folder / "origin-ca.pem"
        self._certificate = folder / "origin.pem"
        _make_certificates(self.ca, self._certificate)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="origin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(30)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()

    async def _start(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/chat", self._chat)
        app.router.add_get("/status/{status}", self._with_status)
        app.router.add_get("/film", self._film)
        app.router.add_get("/drip", self._drip)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate)
        self.http_port = await self._listen(None)
        self.https_port = await self._listen(context)

    async def _listen(self, context: ssl.SSLContext | None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        await web.SockSite(self._runner, listener, ssl_context=context).start()
        return listener.getsockname()[1]

    async def _answer(self, request: web.Request) -> web.Response:
        self._remember(request)
        body = await request.read()
        return web.Response(text=f"origin: {request.path_qs} {len(body)}")

    async def _with_status(self, request: web.Request) -> web.Response:
        headers = {"Location": "/elsewhere", "Retry-After": "7", "Set-Cookie": "a=b"}
        return web.Response(status=int(request.match_info["status"]), text="as it is", headers=headers)

    async def _film(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(self.film)

    async def _drip(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await asyncio.to_thread(self.drip_on.wait, 30)
        await response.write(b"second")
        return response

    async def _chat(self, request: web.Request) -> web.WebSocketResponse:
        self._remember(request)
        chat = web.WebSocketResponse()
        await chat.prepare(request)
        async for message in chat:
            if message.type is WSMsgType.TEXT:
                await chat.send_str(f"echo {message.data}")
        return chat

    def _remember(self, request: web.Request) -> None:
        self.seen.append((request.scheme, request.host, request.method, request.path_qs))


class Witness:
    """A listening port that nobody may connect to."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]

    def contacted(self) -> bool:
        """Whether anybody has connected since the last look."""
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _make_certificates(ca_file: Path, site_file: Path) -> None:
    ca_key, site_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, site_name = _name("Origin test CA"), _name("origin")
    ca = _certificate(ca_name, ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    ca = ca.add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    names = [x509.DNSName("*.test"), x509.DNSName("*.pages.test"), x509.IPAddress(ip_address("127.0.0.1"))]
    names += [x509.DNSName(f"{name}.test") for name in ("good", "bad", "pages")]
    site = _certificate(site_name, ca_name, site_key.public_key())
    site = site.add_extension(x509.SubjectAlternativeName(names), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    site = site.add_extension(issuer, critical=False)
    ca_file.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = site_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = site.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    site_file.write_bytes(private + public)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
