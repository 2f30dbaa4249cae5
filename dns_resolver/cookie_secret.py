"""The server's secret for DNS cookies (RFC 7873 §6, RFC 9018 §4): the key of a SipHash-2-4.

All workers must have the same one, for a client's next query may reach another of them; so it is
taken once, before they are started. Machines behind one address share a file.
"""

import hashlib
import secrets
from pathlib import Path

from cop_filter import private_file
from cop_filter.errors import ConfigError

SECRET_BYTES = 16
_MOST_BYTES = 4096


def take(file: Path | None) -> bytes:
    """The secret (16 bytes) of the file, or a fresh one without a file. Raises ConfigError.

    32 hexadecimal digits, as other servers' configurations have them, are the secret itself, as are
    exactly 16 bytes; of anything longer it is the digest.
    """
    if file is None:
        return secrets.token_bytes(SECRET_BYTES)
    try:
        content = private_file.read(file, _MOST_BYTES)
    except private_file.ReadableByOthersError:
        raise _wrong("is readable by others: chmod 600 it") from None
    except OSError as error:
        raise _wrong(f"cannot be read: {error.strerror}") from None
    if len(content) == SECRET_BYTES:
        return content
    try:
        written = bytes.fromhex(content.decode("ascii"))
    except ValueError:
        written = b""
    if len(written) == SECRET_BYTES:
        return written
    if len(content) < SECRET_BYTES:
        raise _wrong(f"must hold {SECRET_BYTES} bytes or more; `openssl rand -hex 16` makes a good one")
    return hashlib.blake2s(content, digest_size=SECRET_BYTES).digest()


def _wrong(reason: str) -> ConfigError:
    return ConfigError([f"dns.cookie_secret_file: {reason}"])
