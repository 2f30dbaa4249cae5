"""The hooks around a connection: refused until it is known to be right."""

import asyncio
import logging
import socket
from ipaddress import ip_network

import pytest
from mitmproxy import connection
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import tflow

from addons import lookups
from addons.border import Border
from addons.reach import Reach
from cop_filter.access import AccessList

REACH = Reach(AccessList([ip_network("198.51.100.0/24")]), frozenset(), lambda _: False)


def client(address: str = "198.51.100.7", mode: str = "regular") -> connection.Client:
    made = tflow.tclient_conn()
    made.peername = (address, 40000)
    made.proxy_mode = ProxyMode.parse(mode)
    return made


def connecting(host: str, mode: str = "regular", error: str | None = None) -> ServerConnectionHookData:
    server = connection.Server(address=(host, 9153))
    server.error = error
    return ServerConnectionHookData(server=server, client=client(mode=mode))


@pytest.fixture(autouse=True)
def _unrestricted() -> None:
    lookups._allows.set(None)


@pytest.fixture
def border() -> Border:
    return Border(lambda: REACH)


def test_a_stranger_is_cut_off_and_a_client_is_not(border: Border) -> None:
    ours, stranger = client(), client("203.0.113.7")
    border.client_connected(ours)
    border.client_connected(stranger)
    assert ours.error is None
    assert stranger.error


def test_strangers_are_told_of_once_and_never_named(border: Border, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for place in range(3):
            border.client_connected(client(f"203.0.113.{place}"))
    (record,) = caplog.records
    assert "proxy.clients" in record.getMessage()
    assert "203.0.113" not in caplog.text


def test_no_connection_leads_to_this_machine(border: Border) -> None:
    here, elsewhere = connecting("127.0.0.1"), connecting("203.0.113.1")
    border.server_connect(here)
    border.server_connect(elsewhere)
    assert here.server.error
    assert elsewhere.server.error is None


async def test_nor_does_a_name_that_is_looked_up_for_it(
    border: Border, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 9153))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    border.running()
    named = connecting("here.example")
    border.server_connect(named)
    assert named.server.error is None
    with pytest.raises(PermissionError):
        await asyncio.get_running_loop().getaddrinfo("here.example", 9153)


@pytest.mark.parametrize("mode", ["upstream:http://127.0.0.1:3128", "reverse:http://127.0.0.1:8000"])
def test_where_the_operator_has_said_where_to_go_that_holds(border: Border, mode: str) -> None:
    data = connecting("127.0.0.1", mode)
    border.server_connect(data)
    assert data.server.error is None


def test_what_mitmproxy_has_refused_stays_refused(border: Border) -> None:
    data, ours = connecting("203.0.113.1", error="itself"), client()
    ours.error = "block_global"
    border.server_connect(data)
    border.client_connected(ours)
    assert (data.server.error, ours.error) == ("itself", "block_global")


def test_a_fault_lets_nobody_through() -> None:
    def broken() -> Reach:
        raise RuntimeError("a bug")

    border, ours, data = Border(broken), client(), connecting("203.0.113.1")
    with pytest.raises(RuntimeError):
        border.client_connected(ours)
    with pytest.raises(RuntimeError):
        border.server_connect(data)
    assert ours.error
    assert data.server.error
