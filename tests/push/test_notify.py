"""NOTIFY: who wakes a list, and what the others are answered."""

import asyncio
import base64
import struct
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsig
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.config import Address, ListConfig, PushConfig
from cop_filter.events import Events
from cop_filter.push.notify import NotifyDesk
from cop_filter.push.notify_server import NotifyCounter, listening
from cop_filter.push.ports import Ports
from cop_filter.push.wakers import Wakers
from cop_filter.verdict import LegalBasis

SECRET = b"0123456789abcdef0123456789abcdef"
KEY = dns.tsig.Key("key.authority.example.", SECRET, "hmac-sha256")
SERVER = "192.0.2.53"


def a_list(list_id: str, source: str, **settings: object) -> ListConfig:
    return ListConfig(list_id, source, "Example Hotline", "csam", LegalBasis.MEMBERSHIP, **settings)  # type: ignore[arg-type]  # passed through


@pytest.fixture
def desk(tmp_path: Path) -> NotifyDesk:
    file = tmp_path / "the.tsig"
    file.write_bytes(base64.b64encode(SECRET))
    file.chmod(0o600)
    key = {"tsig_name": "key.authority.example", "tsig_file": file}
    lists = (
        a_list("open", f"axfr://{SERVER}/open.rpz.test"),
        a_list("mirror", "axfr://mirror.authority.example/open.rpz.test"),
        a_list("keyed", f"axfr://{SERVER}/Keyed.rpz.test", **key),
    )
    addresses = {"open": {SERVER}, "mirror": {"192.0.2.54", "2001:db8::54"}, "keyed": {SERVER}}
    return NotifyDesk(lists, {name: frozenset(found) for name, found in addresses.items()})


def notify(zone: str, key: dns.tsig.Key | None = None, type_: str = "SOA") -> dns.message.Message:
    said = dns.message.make_query(zone, type_, flags=dns.flags.AA)
    said.set_opcode(dns.opcode.NOTIFY)
    if key is not None:
        said.use_tsig(key)
    return said


def answered(wire: bytes | None, to: dns.message.Message) -> dns.message.Message:
    assert wire is not None
    said = dns.message.from_wire(wire, keyring=False)
    assert (said.id, said.opcode()) == (to.id, to.opcode())
    assert said.flags & dns.flags.QR
    return said


@pytest.mark.parametrize(
    ("sender", "woken"),
    [
        (SERVER, ("open",)),
        (f"::ffff:{SERVER}", ("open",)),
        ("192.0.2.54", ("mirror",)),
        ("2001:db8::54", ("mirror",)),
    ],
)
@pytest.mark.parametrize("zone", ["open.rpz.test.", "OPEN.rpz.TEST."])
def test_a_lists_server_wakes_it(desk: NotifyDesk, zone: str, sender: str, woken: tuple[str, ...]) -> None:
    said = notify(zone)
    heard = desk.hear(said.to_wire(), sender)
    assert (heard.lists, heard.result) == (woken, "woken")
    answer = answered(heard.answer, said)
    assert answer.rcode() == dns.rcode.NOERROR
    assert answer.flags & dns.flags.AA
    assert answer.question == said.question


def test_the_news_that_a_notify_may_carry_is_not_needed_and_not_believed(desk: NotifyDesk) -> None:
    said = notify("open.rpz.test.")
    soa = "ns.rpz.test. root.rpz.test. 4000000000 1 1 1 1"
    said.answer.append(dns.rrset.from_text("open.rpz.test.", 60, "IN", "SOA", soa))
    heard = desk.hear(said.to_wire(), SERVER)
    assert heard.lists == ("open",)
    assert answered(heard.answer, said).answer == []


def test_another_address_is_refused(desk: NotifyDesk) -> None:
    said = notify("open.rpz.test.")
    heard = desk.hear(said.to_wire(), "198.51.100.7")
    assert (heard.lists, heard.result) == ((), "denied")
    assert answered(heard.answer, said).rcode() == dns.rcode.REFUSED


def test_a_zone_of_nobody_is_not_ours_to_answer_for(desk: NotifyDesk) -> None:
    said = notify("other.test.")
    heard = desk.hear(said.to_wire(), SERVER)
    assert (heard.lists, heard.result) == ((), "unknown")
    assert answered(heard.answer, said).rcode() == dns.rcode.NOTAUTH


def test_with_the_key_a_list_is_woken_from_anywhere_and_the_answer_is_signed(desk: NotifyDesk) -> None:
    said = notify("keyed.rpz.test.", KEY)
    wire = said.to_wire()
    heard = desk.hear(wire, "198.51.100.7")
    assert heard.lists == ("keyed",)
    assert heard.answer is not None
    answer = dns.message.from_wire(heard.answer, keyring={KEY.name: KEY}, request_mac=said.mac)
    assert answer.had_tsig
    assert answer.rcode() == dns.rcode.NOERROR
    assert len(heard.answer) <= len(wire)


def test_the_servers_address_is_not_enough_where_there_is_a_key(desk: NotifyDesk) -> None:
    said = notify("keyed.rpz.test.")
    heard = desk.hear(said.to_wire(), SERVER)
    assert (heard.lists, heard.result) == ((), "denied")
    assert answered(heard.answer, said).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (dns.tsig.Key(KEY.name, b"f" * 32, "hmac-sha256"), dns.rcode.BADSIG),
        (dns.tsig.Key("other.example.", SECRET, "hmac-sha256"), dns.rcode.BADKEY),
        (dns.tsig.Key(KEY.name, SECRET, "hmac-sha512"), dns.rcode.BADKEY),
    ],
)
@pytest.mark.parametrize("zone", ["keyed.rpz.test.", "open.rpz.test."])
def test_a_wrong_signature_is_told_so(
    desk: NotifyDesk, zone: str, key: dns.tsig.Key, error: dns.rcode.Rcode
) -> None:
    said = notify(zone, key)
    wire = said.to_wire()
    heard = desk.hear(wire, SERVER)
    assert (heard.lists, heard.result) == ((), "denied")
    answer = answered(heard.answer, said)
    assert answer.rcode() == dns.rcode.NOTAUTH
    assert answer.tsig_error == (error if zone.startswith("keyed") else dns.rcode.BADKEY)
    assert len(heard.answer or b"") <= len(wire)


def test_a_notify_of_another_time_is_refused(desk: NotifyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    wire = notify("keyed.rpz.test.", KEY).to_wire()
    monkeypatch.undo()
    assert desk.hear(wire, SERVER).result == "denied"


def test_what_is_no_notify_is_not_implemented(desk: NotifyDesk) -> None:
    said = dns.message.make_query("open.rpz.test.", "SOA")
    heard = desk.hear(said.to_wire(), SERVER)
    assert (heard.lists, heard.result) == ((), "malformed")
    assert answered(heard.answer, said).rcode() == dns.rcode.NOTIMP


def test_a_notify_of_anything_but_the_zone_is_malformed(desk: NotifyDesk) -> None:
    said = notify("open.rpz.test.", type_="A")
    assert answered(desk.hear(said.to_wire(), SERVER).answer, said).rcode() == dns.rcode.FORMERR


def test_answers_are_not_answered(desk: NotifyDesk) -> None:
    answer = dns.message.make_response(notify("open.rpz.test."))
    assert desk.hear(answer.to_wire(), SERVER).answer is None


@given(st.binary(max_size=120), st.booleans())
def test_no_answer_is_longer_than_its_question(wire: bytes, headed: bool) -> None:
    desk = NotifyDesk((a_list("open", f"axfr://{SERVER}/open.rpz.test"),), {"open": frozenset({SERVER})})
    if headed:
        wire = struct.pack("!HHHHHH", 7, 4 << 11, 1, 0, 0, 1) + b"\4open\3rpz\4test\0\0\6\0\1" + wire
    heard = desk.hear(wire, SERVER)
    assert len(heard.answer or b"") <= len(wire)


async def ask_udp(port: int, wire: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    came: asyncio.Future[bytes] = loop.create_future()

    class Client(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            came.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port))
    transport.sendto(wire)
    try:
        return await asyncio.wait_for(came, 5)
    finally:
        transport.close()


async def ask_tcp(port: int, wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for byte in struct.pack("!H", len(wire)) + wire:
        writer.write(bytes((byte,)))
        await writer.drain()
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    answer = await reader.readexactly(length)
    writer.close()
    return answer


@pytest.mark.parametrize("ask", [ask_udp, ask_tcp])
async def test_a_notify_is_heard_over_udp_and_tcp(ask: object) -> None:
    desk = NotifyDesk((a_list("open", "axfr://127.0.0.1/open.rpz.test"),), {"open": frozenset({"127.0.0.1"})})
    wakers = Wakers(["open"])
    ports = Ports.bind(PushConfig(notify=(Address("127.0.0.1", 0),)))
    sock = (ports.notify_udp if ask is ask_udp else ports.notify_tcp)[0]
    async with listening(ports, NotifyCounter(desk, wakers, Events()).answer):
        said = notify("open.rpz.test.")
        answer = await ask(sock.getsockname()[1], said.to_wire())  # type: ignore[operator]
        await asyncio.wait_for(wakers.wait("open", 900), 5)
    assert answered(answer, said).rcode() == dns.rcode.NOERROR


async def test_a_flood_is_not_answered() -> None:
    desk = NotifyDesk((a_list("open", "axfr://127.0.0.1/open.rpz.test"),), {})
    counter = NotifyCounter(desk, Wakers(["open"]), Events(), clock=lambda: 7.0)
    wire = notify("open.rpz.test.").to_wire()
    answers = [await counter.answer(wire, "127.0.0.1") for _ in range(150)]
    assert sum(answer is not None for answer in answers) == 100
