"""Proves to a list's server who asks. Secrets are read at each use and live in no object of ours.

Rotating a secret therefore needs no restart. No message carries a secret or the path of one.
"""

import base64
import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from cop_filter.config import Credentials
from cop_filter.errors import FetchFailed

_MAX_SECRET_BYTES = 64 * 1024


def authorization(credentials: Credentials, environ: Mapping[str, str] = os.environ) -> str | None:
    """The Authorization header (RFC 6750, RFC 7617), or None. Reads files: call it in a thread.

    Raises FetchFailed when a secret is missing, empty, or cannot be sent in a header.
    """
    token = _secret(
        "bearer_token", credentials.bearer_token_file, credentials.bearer_token_env, environ, ascii_only=True
    )
    if token is not None:
        return f"Bearer {token}"
    if credentials.username is None:
        return None
    password = _secret("password", credentials.password_file, credentials.password_env, environ)
    if password is None:
        raise FetchFailed("username is set without password_file or password_env")
    return "Basic " + base64.b64encode(f"{credentials.username}:{password}".encode()).decode()


def tls(ca_file: Path | None, credentials: Credentials | None) -> ssl.SSLContext:
    """The TLS context for one connection: TLS 1.2 or later, host name checked. Reads files.

    `ca_file` replaces the system's authorities, it does not add to them: an authority with its own
    CA cannot be impersonated by a public one. `credentials` None: show no client certificate.
    """
    # Not ssl.create_default_context(): that one writes session keys where SSLKEYLOGFILE says.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(ca_file)
    except OSError as error:
        raise FetchFailed(f"cannot read ca_file: {_reason(error)}") from None
    if credentials is not None and credentials.client_certificate_file is not None:
        try:
            # The empty password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(
                credentials.client_certificate_file, credentials.client_key_file, password=""
            )
        except OSError as error:
            raise FetchFailed(f"cannot read the client certificate or its key: {_reason(error)}") from None
    return context


def _secret(
    key: str, file: Path | None, env: str | None, environ: Mapping[str, str], *, ascii_only: bool = False
) -> str | None:
    if file is not None:
        where, value = f"{key}_file", _read(f"{key}_file", file)
    elif env is not None:
        where, value = f"{key}_env", environ.get(env, "")
    else:
        return None
    value = value.strip("\r\n")
    if not value:
        raise FetchFailed(f"{where} gives no secret: it is empty or not set")
    if any(ord(char) < 32 or ord(char) == 127 for char in value) or (ascii_only and not value.isascii()):
        raise FetchFailed(f"{where} holds characters that cannot be sent in a header")
    return value


def _read(where: str, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(_MAX_SECRET_BYTES).decode()
    except OSError as error:
        raise FetchFailed(f"cannot read {where}: {_reason(error)}") from None
    except UnicodeDecodeError:
        raise FetchFailed(f"{where} is not text") from None


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return "not a PEM file of the expected kind"
    return error.strerror or "input/output error"
