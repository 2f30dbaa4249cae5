"""Whatever is done to the files of a quarantined version, it is not released by that."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quarantine_wards import ANN_KEY, BEN_KEY, EVE_KEY, Site

from cop_filter.decision import Decision

DIGEST, OTHER = "0a" * 32, "0b" * 32


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Three versions: one that one person approved, one released, one rejected."""
    site = Site(tmp_path_factory.mktemp("site"))
    one = site.keep(DIGEST)
    site.quarantine().approve(one, ANN_KEY, "root")
    two = site.keep(OTHER)
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(two, key, "root")
    three = site.keep("0c" * 32)
    site.quarantine().approve(three, ANN_KEY, "root")
    site.quarantine().reject(three, None, "root")
    return site


@pytest.fixture
def folder(site: Site):
    quarantine = site.store.root / "quarantine"
    good = quarantine.with_name("good")
    shutil.copytree(quarantine, good)
    yield quarantine
    shutil.rmtree(quarantine)
    good.rename(quarantine)


def released(site: Site) -> set[str]:
    digests = (DIGEST, OTHER, "0c" * 32, "0d" * 32)
    return {digest for digest in digests if site.quarantine().released("national", digest)}


def of(site: Site, folder: Path, digest: str) -> Path:
    """The folder of a version; its item is found by the digest that stands in it."""
    (found,) = [path.parent for path in folder.glob("*/item") if digest in path.read_text()]
    return found


def test_nothing_but_what_two_people_approved_is_released(site: Site) -> None:
    assert released(site) == {OTHER}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_of_any_file_releases_anything_more(site: Site, data: st.DataObject) -> None:
    root = site.store.root / "quarantine"
    path = data.draw(
        st.sampled_from(sorted(one for one in root.rglob("*") if one.is_file() and one.name != "lock"))
    )
    good = path.read_bytes()
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bad)
    try:
        assert released(site) <= {OTHER}
    finally:
        path.write_bytes(good)


def test_approvals_of_another_version_are_worthless_here(site: Site, folder: Path) -> None:
    for path in (of(site, folder, OTHER) / "approvals").iterdir():
        shutil.copy(path, of(site, folder, DIGEST) / "approvals" / f"moved-{path.name}")
    assert released(site) == {OTHER}


def test_a_report_put_in_the_place_of_another_releases_nothing(site: Site, folder: Path) -> None:
    shutil.copy(of(site, folder, OTHER) / "item", of(site, folder, DIGEST) / "item")
    assert released(site) <= {OTHER}


def test_an_item_under_another_name_is_no_item(site: Site, folder: Path) -> None:
    of(site, folder, OTHER).rename(folder / "20270115-00000000")
    assert released(site) == set()


def test_a_digest_written_into_a_released_item_releases_nothing(site: Site, folder: Path) -> None:
    path = of(site, folder, OTHER) / "item"
    path.write_text(path.read_text().replace(OTHER, "0d" * 32))
    assert released(site) == set()


def test_the_same_approval_in_two_files_counts_once(site: Site, folder: Path) -> None:
    (approved,) = (of(site, folder, DIGEST) / "approvals").iterdir()
    shutil.copy(approved, approved.with_name("again"))
    assert released(site) == {OTHER}


def test_a_stranger_and_one_approver_are_not_two(site: Site, folder: Path) -> None:
    here = of(site, folder, DIGEST)
    version = site.quarantine().item(here.name).version_shown
    for name in ("ben", "eve"):
        (here / "approvals" / name).write_bytes(Decision("approve", version, name, 2**36).signed(EVE_KEY))
    assert released(site) == {OTHER}


def test_a_rejected_version_is_not_approved_by_putting_its_approvals_back(site: Site, folder: Path) -> None:
    here = of(site, folder, "0c" * 32)
    version = site.quarantine().item(here.name).version_shown
    (here / "approvals").mkdir()
    for name, key in (("ann", ANN_KEY), ("ben", BEN_KEY)):
        (here / "approvals" / name).write_bytes(Decision("approve", version, name, 2**36).signed(key))
    assert released(site) == {OTHER}
    path = here / "item"
    path.write_text(path.read_text().replace('"rejected_by": "root"', '"rejected_by": null'))
    assert released(site) == {OTHER}


def test_a_body_put_in_the_place_of_another_changes_nothing_and_is_not_shown(
    site: Site, folder: Path
) -> None:
    here = of(site, folder, DIGEST)
    shutil.copy(of(site, folder, OTHER) / "body", here / "body")
    assert released(site) == {OTHER}
    with pytest.raises(Exception, match="refused"):
        site.quarantine().body(here.name)
