"""Zones from servers that are not the authority's, or do it all wrong."""

import dns.rcode
import dns.tsig
import pytest
from zone_asking import Ask, change_of, listed, whole_of
from zone_server import (
    KEY,
    SECRET,
    ZONE,
    Behaviour,
    Question,
    ZoneServer,
    drip,
    endless,
    hangs,
    leaves,
    lists,
    record,
    refuses,
    says,
    soa,
    then,
    whole,
)  # fmt: skip

from cop_filter.errors import FetchFailed, ProvenanceFailed
from cop_filter.sources import TryAgain

# ------------------------------------------------------------ provenance


@pytest.mark.parametrize("sign_every", [1, 2, 99])
async def test_a_signed_transfer_is_proven(signing: ZoneServer, ask_signed: Ask, sign_every: int) -> None:
    names = [f"n{number}.example" for number in range(500)]
    signing.serve(7, *names)
    signing.answers["AXFR"] = says(*whole(7, *names), key=KEY, sign_every=sign_every)
    held = whole_of(await ask_signed(signing))
    assert len(listed(held.raw)) == 500
    signing.change(7, 8, lists(names[0]), lists("new.example"))
    change = change_of(await ask_signed(signing, held), held)
    assert listed(change.removed) == ["host n0.example"]


OTHER_SECRET = dns.tsig.Key(KEY.name, b"f" * 32, "hmac-sha256")
OTHER_NAME = dns.tsig.Key("other.example.", SECRET, "hmac-sha256")
OTHER_ALGORITHM = dns.tsig.Key(KEY.name, SECRET, "hmac-sha512")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(*whole(7, "one.example")), "not signed"),
        (says(*whole(7, "one.example"), key=OTHER_SECRET), "TSIG is wrong"),
        (says(*whole(7, "one.example"), key=OTHER_NAME), "another TSIG key"),
        (says(*whole(7, "one.example"), key=OTHER_ALGORITHM), "another TSIG key"),
    ],
)
@pytest.mark.parametrize("question", ["SOA", "AXFR"])
async def test_what_the_key_did_not_sign_is_refused(
    signing: ZoneServer, ask_signed: Ask, question: str, answer: Behaviour, reason: str
) -> None:
    signing.serve(7, "one.example")
    signing.answers[question] = answer
    with pytest.raises(ProvenanceFailed, match=reason):
        await ask_signed(signing)


async def test_a_transfer_whose_signatures_are_too_far_apart_is_refused(
    signing: ZoneServer, ask_signed: Ask
) -> None:
    signing.serve(7)
    names = [f"n{number}.example" for number in range(500)]
    signing.answers["AXFR"] = says(*whole(7, *names), key=KEY, per_message=1, sign_every=101)
    with pytest.raises(ProvenanceFailed, match="not signed"):
        await ask_signed(signing)


async def test_names_slipped_in_between_signed_messages_are_refused(
    signing: ZoneServer, ask_signed: Ask
) -> None:
    signing.serve(7)
    good = says(*whole(7, "one.example", "two.example"), key=KEY, per_message=2)

    async def slip_in(question: Question) -> None:
        sent = question.send

        async def send(wire: bytes) -> None:
            await sent(wire)
            question.send = sent
            await says(*lists("slipped.example"))(question)

        question.send = send
        await good(question)

    signing.answers["AXFR"] = slip_in
    with pytest.raises(ProvenanceFailed, match="TSIG is wrong"):
        await ask_signed(signing)


async def test_an_old_answer_played_again_is_refused(signing: ZoneServer, ask_signed: Ask) -> None:
    signing.serve(7, "one.example")
    recorded: list[bytes] = []
    good = signing.answers["AXFR"]

    async def record_it(question: Question) -> None:
        sent = question.send

        async def send(wire: bytes) -> None:
            recorded.append(wire)
            await sent(wire)

        question.send = send
        await good(question)

    async def play_again(question: Question) -> None:
        for wire in recorded:
            await question.send(question.message.to_wire()[:2] + wire[2:])

    signing.answers["AXFR"] = record_it
    await ask_signed(signing)
    signing.answers["AXFR"] = play_again
    with pytest.raises(ProvenanceFailed, match="TSIG is wrong"):
        await ask_signed(signing)


async def test_a_server_that_does_not_know_the_key_is_told_of(signing: ZoneServer, ask_signed: Ask) -> None:
    signing.answers["SOA"] = refuses(dns.rcode.NOTAUTH)
    with pytest.raises(FetchFailed, match=r"NOTAUTH.*key"):
        await ask_signed(signing)


@pytest.mark.parametrize("question", ["SOA", "AXFR"])
async def test_another_zone_is_refused(server: ZoneServer, ask: Ask, question: str) -> None:
    server.serve(7)
    server.answers[question] = says(soa(7, "other.test."))
    with pytest.raises(ProvenanceFailed, match="another zone"):
        await ask(server)


async def test_rollback_to_an_older_serial_is_refused(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    server.serve(6, "one.example")
    with pytest.raises(ProvenanceFailed, match="went backwards"):
        await ask(server, held)
    server.answers["SOA"] = says(soa(8))
    for question in ("IXFR", "AXFR"):
        with pytest.raises(ProvenanceFailed, match="went backwards"):
            await ask(server, held)
        server.answers["IXFR"] = refuses(dns.rcode.NOTIMP)
        assert server.asked[-1].startswith(question)


async def test_replay_of_an_old_zone_is_refused_even_when_nothing_is_held(
    signing: ZoneServer, ask_signed: Ask
) -> None:
    signing.serve(7, "one.example")
    whole_of(await ask_signed(signing))
    signing.serve(6, "one.example")
    with pytest.raises(ProvenanceFailed, match="went backwards"):
        await ask_signed(signing)


# ------------------------------------------------------------ bounds


@pytest.mark.parametrize(
    ("answer", "reason", "kind"),
    [
        (endless, "max_bytes", FetchFailed),
        (hangs, "silent", TryAgain),
        (drip, "within timeout", TryAgain),
        (leaves, "closed the connection", TryAgain),
        (then(says(soa(9), *lists("one.example")), leaves), "closed the connection", TryAgain),
        (refuses(dns.rcode.SERVFAIL), "SERVFAIL", TryAgain),
        (refuses(dns.rcode.REFUSED), "REFUSED", FetchFailed),
        (says(*lists("one.example"), soa(9)), "does not begin", FetchFailed),
        (says(record(ZONE, "NS", "ns.example."), soa(9)), "does not begin", FetchFailed),
        (says(soa(9), *lists("one.example"), soa(10)), "changed while", FetchFailed),
        (says(soa(9), soa(9), *lists("one.example")), "after its end", FetchFailed),
    ],
)
async def test_no_transfer_that_is_endless_slow_or_broken_is_believed(
    server: ZoneServer, ask: Ask, answer: Behaviour, reason: str, kind: type[Exception]
) -> None:
    server.serve(9)
    server.answers["AXFR"] = answer
    timeout_s = 0.4 if answer in (hangs, drip) else 5.0
    with pytest.raises(kind, match=reason):
        await ask(server, max_bytes=2_000_000, timeout_s=timeout_s)


async def test_a_zone_larger_than_its_bound_is_refused(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, *(f"n{number}.example" for number in range(100)))
    with pytest.raises(FetchFailed, match="max_unpacked_bytes"):
        await ask(server, max_unpacked_bytes=1000)


@pytest.mark.parametrize("wire", [b"", b"\0" * 11, b"\0" * 12, b"\xff" * 40])
async def test_what_is_no_message_is_refused(server: ZoneServer, ask: Ask, wire: bytes) -> None:
    async def answer(question: Question) -> None:
        await question.send(wire)

    server.answers["SOA"] = answer
    with pytest.raises(FetchFailed, match=r"damaged|another question"):
        await ask(server)


async def test_a_server_that_is_not_there_is_tried_again_and_not_named(server: ZoneServer, ask: Ask) -> None:
    gone = ZoneServer(port=1)
    with pytest.raises(TryAgain, match="connection failed") as caught:
        await ask(gone)
    assert "127.0.0.1" not in str(caught.value)
