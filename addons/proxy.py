"""A mitmproxy that is nothing but the filter: the addons it needs, the options it is given."""

import asyncio
import errno
import os
import resource
import signal
import socket
from pathlib import Path

from mitmproxy.addons import core, disable_h2c, errorcheck, next_layer, proxyserver, tlsconfig
from mitmproxy.exceptions import OptionsError
from mitmproxy.master import Master
from mitmproxy.options import Options

from addons.mitmproxy_addon import OPTION, CopFilter
from cop_filter import durable, logs
from cop_filter.config import Address, ProxyConfig
from cop_filter.errors import ConfigError, CopFilterError

_SOCKETS = 65_536


async def serve(config_path: Path, state_dir: Path, proxy: ProxyConfig) -> None:
    """Serve until SIGTERM or SIGINT. Raises CopFilterError of the right kind when that cannot begin."""
    _try_to_listen(proxy.listen)
    _allow_many_sockets()
    master = Master(Options())
    master.addons.add(
        core.Core(),
        proxyserver.Proxyserver(),
        CopFilter(),  # before next_layer, whose choices it corrects
        disable_h2c.DisableH2C(),
        next_layer.NextLayer(),
        tlsconfig.TlsConfig(),
        errorcheck.ErrorCheck(repeat_errors_on_stderr=True),
    )
    try:
        master.options.update(**{OPTION: str(config_path)}, **_options(state_dir, proxy))
    except OptionsError as error:
        ours = error.__cause__
        raise ours if isinstance(ours, CopFilterError) else ConfigError([f"proxy: {error}"]) from None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, master.shutdown)
    try:
        await master.run()
    except SystemExit:
        raise CopFilterError("the proxy could not start, for the reason given above") from None
    finally:
        logs.set_up()  # mitmproxy leaves a log handler behind that needs this loop


def _try_to_listen(listen: Address) -> None:
    """Say what is wrong with the socket in our own words: mitmproxy's hint is for its own command line."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    try:
        socket.create_server(listen, family=family).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        problem = f"proxy.listen: cannot listen on {listen.host} port {listen.port}: {why}"
        if error.errno == errno.EADDRINUSE:
            raise CopFilterError(problem) from None
        raise ConfigError([problem]) from None


def _options(state_dir: Path, proxy: ProxyConfig) -> dict[str, object]:
    """mitmproxy's options; the folder of its certificate authority is made here, for its owner alone."""
    certificates = proxy.certificates_dir or state_dir / "mitmproxy"
    durable.make_folder(certificates)
    authorities = proxy.upstream_ca_file
    return {
        "mode": ["regular"],
        "listen_host": proxy.listen.host,
        "listen_port": proxy.listen.port,
        "confdir": str(certificates),
        "ssl_verify_upstream_trusted_ca": str(authorities) if authorities else None,
    }


def _allow_many_sockets() -> None:
    """Every client and every origin has its own socket; the usual soft limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(hard, _SOCKETS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
