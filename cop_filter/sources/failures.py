"""Says in words, without addresses, what went wrong on the network."""

import errno
import os
import socket
import ssl
from typing import TypeVar

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from cop_filter.errors import FetchFailed
from cop_filter.sources.result import TryAgain

_Kind = TypeVar("_Kind", bound=BaseException)

NETWORK_ERRORS = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
"""What an exchange over the network may raise, besides timeouts."""

_CERTIFICATE = {
    10: "it has expired",
    18: "it is self-signed",
    19: "its issuer is not known",
    20: "its issuer is not known",
    21: "its issuer is not known",
    62: "it was issued for another host",
}
"""X509_V_ERR_… codes; OpenSSL's own texts name the host."""


def translated(error: Exception) -> FetchFailed:
    """The error to raise instead: TryAgain when another try may help, else FetchFailed."""
    if isinstance(error, aiohttp.InvalidURL):
        return FetchFailed("the source is not a usable URL")
    tls_error = _find(error, ssl.SSLError)
    if tls_error is not None:
        return FetchFailed(_tls(tls_error))
    if isinstance(error, aiohttp.ClientPayloadError):
        return TryAgain("the answer was cut off")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TryAgain("the server closed the connection without an answer")
    if isinstance(error, OSError):
        return TryAgain(_connection(error))
    return FetchFailed("the answer is not valid HTTP")


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(getattr(error, "verify_code", 0), "it does not verify")
        return f"the server's TLS certificate is refused: {why}"
    return "the TLS handshake failed; check ca_file and the client certificate"


def _connection(error: OSError) -> str:
    if _find(error, socket.gaierror) is not None:
        return "the server's name could not be resolved"
    if error.errno is None or error.errno not in errno.errorcode:
        return "the connection failed"
    # Only the code's own text: asyncio writes the address into the error's.
    return f"the connection failed: {os.strerror(error.errno)}"


def _find(error: BaseException, kind: type[_Kind]) -> _Kind | None:
    """The first of `kind` among what aiohttp wrapped in the error, what caused it, and itself."""
    # Itself last: aiohttp's own subclasses of ssl's errors lack what ssl's errors carry.
    for one in (getattr(error, "os_error", None), error.__cause__, error.__context__, error):
        if isinstance(one, kind):
            return one
    return None
