"""Test only: every name under .test leads to 127.0.0.1. A mitmproxy script, and a module to import."""

import socket

_resolve = socket.getaddrinfo


def _loopback(host, *rest, **options):
    name = host.decode() if isinstance(host, bytes) else host
    return _resolve("127.0.0.1" if name and name.endswith(".test") else host, *rest, **options)


socket.getaddrinfo = _loopback
