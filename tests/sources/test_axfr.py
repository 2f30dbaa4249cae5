"""Zones by transfer: whole, and what changed."""

import json
from pathlib import Path

import dns.rcode
import pytest
from sample_lists import texts_of
from zone_asking import Ask, change_of, listed, whole_of
from zone_server import ZONE, Behaviour, ZoneServer, leaves, lists, record, refuses, says, soa, whole

from cop_filter import formats
from cop_filter.sources import NotModified

# ------------------------------------------------------------ whole zones


@pytest.mark.parametrize("as_", ["rpz", "auto"])
async def test_a_zone_is_read_by_the_reader_of_zone_files(server: ZoneServer, ask: Ask, as_: str) -> None:
    server.serve(7, "one.example", "*.one.example", "Two.EXAMPLE")
    answer = whole_of(await ask(server))
    assert listed(answer.raw, as_) == ["domain *.one.example", "host one.example", "host two.example"]
    assert answer.validators.etag == "7"
    assert server.asked == ["SOA", "AXFR"]


async def test_records_of_every_type_are_read(server: ZoneServer, ask: Ask) -> None:
    server.serve(7)
    server.answers["AXFR"] = says(
        soa(7),
        record(ZONE, "NS", "ns.authority.example."),
        record(ZONE, "TXT", '"version 7"'),
        record(f"a.example.{ZONE}", "A", "192.0.2.80"),
        record(f"b.example.{ZONE}", "TXT", '"a; (b"'),
        record(f"c.example.{ZONE}", "CNAME", "stop.authority.example."),
        record(f"d.example.{ZONE}", "TYPE65280", "\\# 0"),
        record(f"d.example.{ZONE}", "NSEC", f"e.example.{ZONE} CNAME"),
        soa(7),
        per_message=100,
    )
    answer = whole_of(await ask(server))
    assert listed(answer.raw) == [f"host {letter}.example" for letter in "abcd"]


async def test_a_name_with_bytes_that_mean_something_in_a_file_stays_one_name(
    server: ZoneServer, ask: Ask
) -> None:
    server.serve(7)
    hostile = [
        record(f"{owner}.{ZONE}", "CNAME", ".")
        for owner in (
            "$INCLUDE.example", "\\010bad.example", "a\\.b.example", "\\;x.example", "\\@.example",
            "\\(.example", "x\\032CNAME\\032.example", '\\"q.example',
        )
    ]  # fmt: skip
    server.answers["AXFR"] = says(soa(7), *hostile, *lists("good.example"), soa(7))
    answer = whole_of(await ask(server))
    (chunk,) = formats.parse(answer.raw, format="rpz")
    assert texts_of(chunk.entries) == ["host good.example"]
    assert len(chunk.errors) == len(hostile)
    assert {error.reason for error in chunk.errors} == {"its owner has escapes, which no host name needs"}


async def test_the_digest_is_of_what_is_listed_in_any_order_and_packing(server: ZoneServer, ask: Ask) -> None:
    digests = set()
    for names, per_message in ((("a.example", "b.example"), 1), (("b.example", "a.example"), 50)):
        server.serve(7 + per_message)
        server.answers["AXFR"] = says(*whole(7 + per_message, *names), per_message=per_message)
        digests.add(whole_of(await ask(server)).digest)
    assert len(digests) == 1
    server.serve(60, "a.example", "c.example")
    assert whole_of(await ask(server)).digest not in digests


# ------------------------------------------------------------ what changed


async def test_the_serial_that_is_held_is_no_news(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    assert isinstance(await ask(server, held), NotModified)
    assert server.asked == ["SOA", "AXFR", "SOA"]


async def test_a_change_has_the_digest_of_the_zone_that_results(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "one.example", "two.example")
    held = whole_of(await ask(server))
    server.change(7, 8, lists("one.example"), lists("three.example"))
    change = change_of(await ask(server, held), held)
    assert server.asked[-2:] == ["SOA", "IXFR 7"]
    assert listed(change.raw) == ["host three.example"]
    assert listed(change.removed) == ["host one.example"]
    server.serve(8, "three.example", "two.example")
    assert whole_of(await ask(server)).digest == change.digest


async def test_changes_follow_one_another(server: ZoneServer, ask: Ask) -> None:
    server.serve(0xFFFFFFFF, "one.example")
    held = whole_of(await ask(server))
    for base, serial, gone, come in ((0xFFFFFFFF, 0, [], ["two.example"]), (0, 1, ["one.example"], [])):
        server.change(base, serial, lists(*gone), lists(*come))
        held = change_of(await ask(server, held), held)
    server.serve(2, "two.example")
    assert whole_of(await ask(server)).digest == held.digest


async def test_several_steps_count_by_what_they_come_to(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "one.example", "two.example")
    held = whole_of(await ask(server))
    server.change(7, 9, [], [])
    server.answers["IXFR"] = says(
        soa(9),
        soa(7), *lists("one.example"), soa(8), *lists("passing.example", "three.example"),
        soa(8), *lists("passing.example"), soa(9), *lists("one.example"),
        soa(9),
    )  # fmt: skip
    change = change_of(await ask(server, held), held)
    assert (listed(change.raw), listed(change.removed)) == (["host three.example"], [])


async def test_a_name_that_changes_its_policy_neither_comes_nor_goes(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "nodata.example", "freed.example")
    held = whole_of(await ask(server))
    owners = [f"{name}.example.{ZONE}" for name in ("nodata", "freed")]
    server.change(
        7,
        8,
        lists("nodata.example", "freed.example"),
        [record(owners[0], "CNAME", "*."), record(owners[1], "CNAME", "rpz-passthru.")],
    )
    change = change_of(await ask(server, held), held)
    assert (listed(change.raw), listed(change.removed)) == ([], ["host freed.example"])
    assert change.digest != held.digest


async def test_a_change_of_nothing_that_is_listed_keeps_the_digest(server: ZoneServer, ask: Ask) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    server.change(7, 8, [record(ZONE, "TXT", '"7"')], [record(ZONE, "TXT", '"8"')])
    change = change_of(await ask(server, held), held)
    assert (change.digest, change.validators.etag) == (held.digest, "8")
    assert isinstance(await ask(server, change), NotModified)


@pytest.mark.parametrize(
    "answer",
    [
        refuses(dns.rcode.NOTIMP),
        refuses(dns.rcode.REFUSED),
        leaves,
        says(*whole(8, "two.example")),
        says(*whole(8, "two.example"), per_message=1),
        # Local data: one of several records may go, and the name stays listed.
        says(soa(8), soa(7), record(f"one.example.{ZONE}", "A", "192.0.2.80"), soa(8), soa(8)),
        says(soa(8), soa(6), soa(8), *lists("two.example"), soa(8)),
        says(soa(8), soa(7), soa(7), *lists("two.example"), soa(8)),
        says(soa(9), soa(7), soa(8), soa(7), soa(9), soa(9)),
        says(soa(8), soa(7), *lists("one.example", "one.example"), soa(8), soa(8)),
        says(soa(8), soa(7), soa(8), *lists("two.example", "two.example"), soa(8)),
    ],
)
async def test_what_cannot_be_had_as_an_exact_change_is_had_whole(
    server: ZoneServer, ask: Ask, answer: Behaviour
) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    server.serve(8, "two.example")
    server.answers["IXFR"] = answer
    assert listed(whole_of(await ask(server, held)).raw) == ["host two.example"]


async def test_nothing_remembered_means_a_whole_zone(server: ZoneServer, ask: Ask, tmp_path: Path) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    memory = tmp_path / "sources" / "national" / "zone.json"
    assert memory.stat().st_mode & 0o777 == 0o600
    assert memory.parent.stat().st_mode & 0o777 == 0o700
    assert "one" not in memory.read_text()
    memory.write_text("junk")
    whole_of(await ask(server, held))
    assert json.loads(memory.read_text())["versions"][0]["serial"] == 7


async def test_a_version_that_was_refused_does_not_displace_the_one_in_force(
    server: ZoneServer, ask: Ask
) -> None:
    server.serve(7, "one.example")
    held = whole_of(await ask(server))
    for serial in range(8, 30):
        server.change(7, serial, [], lists(f"n{serial}.example"))
        assert change_of(await ask(server, held), held).validators.etag == str(serial)
