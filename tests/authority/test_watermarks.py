"""A leaked list says whose copy it was."""

import csv
import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.authority import receivers
from cop_filter.authority.desk import Desk
from cop_filter.authority.publishing import shown
from cop_filter.authority.watermarks import MARKS, marks
from cop_filter.entries import parse
from cop_filter.entry_text import text_of
from cop_filter.errors import StateError
from cop_filter.signing import SigningKey

ANN = SigningKey.generate()
DOMAINS = ["quiet.example", "rest.example", "still.test"]
OPERATORS = ["denmark", "norway", "thailand"]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "authority")
    made.begin("national", [ANN.public], 1, [ANN])
    made.add(b"".join(b"host%d.example\nhttp://h%d.example/p\n" % (n, n) for n in range(500)), "entries")
    receivers.mark_under(made.folder, DOMAINS)
    receivers.add(made.folder, OPERATORS)
    return made


@pytest.fixture
def web(desk: Desk, tmp_path: Path) -> Path:
    desk.sign([ANN], 1_750_000_000.0, life_s=86_400)
    desk.publish(tmp_path / "web")
    return tmp_path / "web"


def copy_of(web: Path, receiver: str) -> bytes:
    folder = web / f"national.{receiver}"
    return (folder / shown(folder).path).read_bytes()


def traced(desk: Desk, leaked: bytes) -> list[str]:
    return [one.receiver for one in receivers.trace(desk.folder, leaked)]


def hosts_of(copy: bytes) -> list[str]:
    return [parse(line).key.partition("/")[0] for line in copy.decode().splitlines()]


@pytest.mark.parametrize("operator", OPERATORS)
def test_acma_denmark_thailand_norway_leaks_are_traced_to_their_receiver(
    desk: Desk, web: Path, operator: str
):
    """All four lists stood on public sites within months of their making, and nobody knew from whom."""
    leaked = copy_of(web, operator)
    (found,) = receivers.trace(desk.folder, leaked)
    assert found == (operator, MARKS, MARKS)


def test_a_part_of_a_list_is_traced(desk: Desk, web: Path):
    lines = copy_of(web, "norway").splitlines(keepends=True)
    leaked = b"".join(random.Random(4).sample(lines, len(lines) // 3))
    assert traced(desk, leaked) == ["norway"]


def _as_hosts_file(hosts: list[str]) -> bytes:
    return "".join(f"0.0.0.0 {host}\n" for host in hosts).encode()


def _as_csv(hosts: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([["rank", "url"], *enumerate(hosts)])
    return out.getvalue().encode()


def _as_web_page(hosts: list[str]) -> bytes:
    return ("<html><ul>" + "".join(f"<li>HTTP://WWW.{host.upper()}/x</li>" for host in hosts)).encode()


def _as_zone(hosts: list[str]) -> bytes:
    return ("$ORIGIN rpz.example.\n" + "".join(f"{host} CNAME .\n" for host in hosts)).encode()


def _as_utf16(hosts: list[str]) -> bytes:
    return "\r\n".join(hosts).encode("utf-16")


@pytest.mark.parametrize("form", [_as_hosts_file, _as_csv, _as_web_page, _as_zone, _as_utf16])
def test_a_list_in_another_format_is_traced(desk: Desk, web: Path, form):
    hosts = hosts_of(copy_of(web, "thailand"))
    random.Random(5).shuffle(hosts)
    assert traced(desk, form(hosts)) == ["thailand"]


def test_the_copies_of_two_receivers_in_one_leak_are_both_traced(desk: Desk, web: Path):
    leaked = copy_of(web, "norway") + copy_of(web, "denmark")
    assert sorted(traced(desk, leaked)) == ["denmark", "norway"]


def test_nobody_is_blamed_for_a_list_without_marks(desk: Desk):
    assert traced(desk, b"".join(b"host%d.example\n" % number for number in range(500))) == []
    assert traced(desk, b"") == []
    assert traced(desk, bytes(range(256)) * 10) == []


def test_a_former_receiver_and_former_domains_are_still_traced(desk: Desk, web: Path):
    leaked = copy_of(web, "norway")
    receivers.remove(desk.folder, ["norway"])
    receivers.mark_under(desk.folder, ["other.example"])
    assert traced(desk, leaked) == ["norway"]


def test_copies_differ_by_their_marks_alone_and_these_stay_from_version_to_version(
    desk: Desk, web: Path, tmp_path: Path
):
    first = {operator: set(copy_of(web, operator).splitlines()) for operator in OPERATORS}
    own = {operator: lines - first["norway"] for operator, lines in first.items() if operator != "norway"}
    assert [len(lines) for lines in own.values()] == [MARKS, MARKS]
    desk.add(b"new.example\n", "entries")
    desk.sign([ANN], 1_750_000_000.0, life_s=86_400)
    desk.publish(tmp_path / "web")
    assert set(copy_of(web, "denmark").splitlines()) - first["denmark"] == {b"new.example"}


def test_marks_are_no_canaries_that_everybody_is_told_of(desk: Desk, web: Path):
    assert shown(web / "national.norway").canaries == ()


def test_there_are_no_receivers_without_domains_to_mark_under(tmp_path: Path):
    desk = Desk(tmp_path / "authority")
    desk.begin("national", [ANN.public], 1, [ANN])
    with pytest.raises(StateError, match="receivers domains"):
        receivers.add(desk.folder, ["norway"])
    for wrong in ("Quiet.Example", "192.0.2.1", "http://quiet.example/", "=quiet.example", "example"):
        with pytest.raises(StateError, match="no domain"):
            receivers.mark_under(desk.folder, [wrong])


@given(
    st.binary(min_size=32, max_size=32), st.sampled_from([["page"], ["domain"], ["domain", "host", "page"]])
)
def test_marks_are_entries_of_the_lists_shapes(secret: bytes, shapes: list[str]):
    made = marks(secret, "isp-a", DOMAINS, shapes)
    assert [text_of(parse(text)) for text in made] == made
    assert len(set(hosts_of("\n".join(made).encode()))) == MARKS
    kinds = {"page": "url", "domain": "domain", "host": "host"}
    assert {str(parse(text).kind) for text in made} <= {kinds[shape] for shape in shapes}


def test_a_domain_more_moves_few_marks():
    before = set(marks(b"s" * 32, "isp-a", DOMAINS, ["domain"]))
    after = set(marks(b"s" * 32, "isp-a", [*DOMAINS, "more.example"], ["domain"]))
    assert len(before & after) >= MARKS // 2
