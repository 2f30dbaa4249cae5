"""Keeps mitmproxy from writing down who asked for what.

Its log lines name clients and hosts, its console output prints flows, its options can save them.
"""

import logging

from mitmproxy import exceptions
from mitmproxy.net import tls
from mitmproxy.options import Options

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

    Nor does it write the keys of TLS connections where SSLKEYLOGFILE says.
    """
    tls.log_master_secret = None
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.INFO))


def withhold() -> None:
    """From here on foreign errors are logged without their text: it may name what passes."""
    for handler in logging.getLogger().handlers:
        make_discreet(handler)
