"""Clients in Python, for machines without dig and curl: dnslib and aiohttp."""

import asyncio
import contextlib
import ssl

import aiohttp
from dnslib import EDNS0, QTYPE, RCODE, DNSError, DNSRecord
from yarl import URL

from cop_filter.demo.replies import UNTRUSTED, DnsReply, HttpReply, HttpRequest

_TIMEOUT_S = 5
_OPT, _EDE = 41, 15


class DnslibClient:
    """Asks the resolver on a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self.name = "dnslib"
        self._port = port

    async def ask(self, name: str, qtype: str = "A", *, tcp: bool = False) -> DnsReply:
        """One query over UDP or TCP."""
        query = DNSRecord.question(name, qtype)
        query.add_ar(EDNS0(udp_len=1232))
        try:
            reply = DNSRecord.parse(
                await asyncio.to_thread(query.send, "127.0.0.1", self._port, tcp=tcp, timeout=_TIMEOUT_S)
            )
        except (OSError, DNSError):
            return DnsReply("no answer")
        addresses = tuple(str(rr.rdata) for rr in reply.rr if QTYPE[rr.rtype] in ("A", "AAAA"))
        options = [option for rr in reply.ar if rr.rtype == _OPT for option in rr.rdata]
        codes = [int.from_bytes(option.data[:2]) for option in options if option.code == _EDE]
        return DnsReply(RCODE[reply.header.rcode], addresses, tuple(sorted(codes)))


class AiohttpClient:
    """Fetches over HTTP/1.1."""

    name = "aiohttp"
    speaks_http2 = False

    async def fetch(self, request: HttpRequest) -> HttpReply:
        """One request, spelled as it is."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await _fetch(request)
        except aiohttp.ClientHttpProxyError as refusal:
            return HttpReply(connect_status=refusal.status)
        except aiohttp.ClientConnectorCertificateError:
            return HttpReply(trouble=UNTRUSTED)
        except (aiohttp.ClientError, OSError) as error:
            untrusted = isinstance(error.__cause__ or error, ssl.SSLCertVerificationError)
            return HttpReply(trouble=UNTRUSTED if untrusted else "no answer")


async def _fetch(request: HttpRequest) -> HttpReply:
    # aiohttp goes where the URL says, so the URL is that of the server, and Host that of the site.
    url, headers = URL(request.url, encoded=True), dict(request.headers)
    if request.server:
        headers.setdefault("Host", url.raw_authority)
        url = URL(f"{url.scheme}://{request.server}{url.raw_path_qs}", encoded=True)
    trust = ssl.create_default_context(cafile=request.trust) if request.trust else True
    async with (
        aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.request(
            request.method,
            url,
            headers=headers,
            data=request.body,
            proxy=f"http://{request.proxy}" if request.proxy else None,
            ssl=trust,
            allow_redirects=False,
        ) as response,
    ):
        body = b""
        with contextlib.suppress(aiohttp.ClientPayloadError):
            body = await response.read()
        fields = {name.lower(): value for name, value in response.headers.items()}
        return HttpReply(response.status, fields, body, "1.1")
