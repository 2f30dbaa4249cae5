"""The token that a push over HTTP must carry; read at each use, so that rotating it needs no restart."""

import hmac
import os
from collections.abc import Mapping

from cop_filter import private_file
from cop_filter.config import PushConfig
from cop_filter.errors import ConfigError

_MAX_BYTES = 4096


def read(push: PushConfig, environ: Mapping[str, str] = os.environ) -> bytes:
    """The token. Raises ConfigError, which names the key and never what it leads to. Blocks."""
    if push.token_file is not None:
        where = "push.token_file"
        try:
            token = private_file.read(push.token_file, _MAX_BYTES)
        except private_file.ReadableByOthersError:
            raise ConfigError([f"{where}: is readable by others: chmod 600 it"]) from None
        except OSError as error:
            raise ConfigError([f"{where}: cannot be read: {error.strerror}"]) from None
    else:
        where = "push.token_env"
        token = environ.get(push.token_env or "", "").encode()
    token = token.strip()
    if not token:
        raise ConfigError([f"{where}: gives no token: it is empty or not set"])
    return token


def carries(authorization: str, token: bytes) -> bool:
    """Whether an Authorization header (RFC 6750) carries the token; takes as long whatever it carries."""
    scheme, _, given = authorization.partition(" ")
    right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token)
    return right and scheme.lower() == "bearer"
