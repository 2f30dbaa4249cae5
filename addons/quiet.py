"""Keeps mitmproxy from writing down who asked for what.

Its log lines name clients and hosts, its console output prints flows, its options can save them, and its
error pages quote requests.
"""

import logging

from mitmproxy import exceptions
from mitmproxy.net import tls
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http import _http1, _http2, _http3
from mitmproxy.proxy.layers.http._base import format_error

from cop_filter.logs import make_discreet

_RECORDERS = ("save_stream_file", "hardump")
_TALKATIVE = ("mitmproxy", "asyncio", "hpack", "quic", "tornado")

SETTINGS = {"flow_detail": 0, "proxy_debug": False, "store_streamed_bodies": False}


def refuse_recording(options: Options) -> None:
    """Raise OptionsError when an option would save what people ask for."""
    for name in _RECORDERS:
        if name in options and getattr(options, name):
            raise exceptions.OptionsError(f"cop_filter does not run beside {name}: it would record people")


def hush() -> None:
    """From here on mitmproxy logs errors only: of what it starts with, never of what passes.

    Nor does it write the keys of TLS connections where SSLKEYLOGFILE says, or repeat a request that it
    cannot read.
    """
    tls.log_master_secret = None
    for protocol in (_http1, _http2, _http3):
        protocol.format_error = _error_page  # type: ignore[attr-defined]  # no hook exists
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.INFO))


def withhold() -> None:
    """From here on foreign errors are logged without their text: it may name what passes."""
    for handler in logging.getLogger().handlers:
        make_discreet(handler)


def _error_page(status_code: int, _message: str) -> bytes:
    return format_error(status_code, "")
