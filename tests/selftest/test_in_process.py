"""What an engine would do with canaries, before anybody trusts it with a listener."""

from pathlib import Path

import pytest
from generations import a_config, a_list, a_profile, publish

import cop_filter
from cop_filter.canaries import Canary
from cop_filter.engine import Engine
from cop_filter.entries import parse, parse_as
from cop_filter.selftest import Failure, decides
from cop_filter.verdict import LegalBasis, Plane

TEXTS = ["bad.example", "*.below.example", "=host.example", "http://h.example/p?q", "http://h.example/d/",
         "http://h.example/a/*/b?*"]  # fmt: skip
ALL = tuple(Plane)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    publish(a_config(tmp_path), national=TEXTS)
    return cop_filter.open(tmp_path)


def test_an_engine_that_holds_the_canaries_blocks_every_kind_of_them(engine: Engine) -> None:
    assert decides(engine, [Canary("national", parse(text), ALL) for text in TEXTS]) == ()


def test_what_it_lets_pass_is_counted_by_list_and_plane_and_pages_on_http_alone(engine: Engine) -> None:
    texts = ["bad.example", "missing.example", "http://h.example/missing", "http://h.example/lost"]
    found = decides(engine, [Canary("national", parse(text), (Plane.DNS, Plane.HTTP)) for text in texts])
    assert found == (Failure("national", Plane.DNS, 1), Failure("national", Plane.HTTP, 3))


def test_a_missing_keyword_shows(engine: Engine) -> None:
    found = decides(engine, [Canary("national", parse_as("keyword", "sampleword"), ALL)])
    assert found == (Failure("national", Plane.HTTP, 1),)


def test_a_list_for_a_profile_is_asked_as_its_clients_would(tmp_path: Path) -> None:
    school = a_list("school", legal_basis=LegalBasis.SUBSCRIBER)
    config = a_config(
        tmp_path, a_list(), school, profiles=(a_profile("schools", ["192.0.2.0/24"], ["school"]),)
    )
    publish(config, national=["a.example"], school=["bad.example"])
    engine = cop_filter.open(tmp_path)
    canary = Canary("school", parse("bad.example"), (Plane.DNS,))
    assert decides(engine, [canary]) == (Failure("school", Plane.DNS, 1),)
    assert decides(engine, [canary._replace(profile="schools")]) == ()
