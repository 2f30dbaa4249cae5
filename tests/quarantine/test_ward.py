"""What is kept, for how long, and who may let it go live."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from generations import a_list
from quarantine_wards import (
    ANN,
    ANN_KEY,
    BEN,
    BEN_KEY,
    EVE,
    EVE_KEY,
    PLANTED,
    TWO_PEOPLE,
    Site,
    digest_of,
    report,
)
from small_disk import small_disk

from cop_filter import compiler, rotation
from cop_filter.audit import Audit, verify
from cop_filter.config import RightsConfig
from cop_filter.entries import parse
from cop_filter.errors import AuditBroken, QuarantineRefused, StateError
from cop_filter.quarantine import Quarantine

DIGEST = "0a" * 32


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_denmark_2012_eight_thousand_names_wait_for_a_second_person(site: Site) -> None:
    good = [f"bad{number}.example" for number in range(100)]
    slipped = [*good, *(f"ordinary{number}.example" for number in range(8000))]
    site.publish(good)
    site.clock.now += 60
    digest = digest_of(slipped)

    def fetched() -> bool:
        """Whether the version that the authority serves may go live; it is fetched again and again."""
        site.clock.now += 900
        if site.quarantine().released("national", digest):
            return True
        raw = {"": "\n".join(slipped).encode()}
        site.quarantine().keep(site.config.lists[0], report(len(slipped)), digest, raw)
        return False

    assert not fetched()
    assert not fetched()
    (waiting,) = site.quarantine().items()
    assert (waiting.state, waiting.needed, waiting.approved_by) == ("waiting", 2, ())
    site.quarantine().approve(waiting.id, ANN_KEY, "root")
    site.quarantine().approve(waiting.id, ANN_KEY, "root")
    assert not fetched()
    with pytest.raises(QuarantineRefused, match="nobody who may approve"):
        site.quarantine().approve(waiting.id, EVE_KEY, "root")
    assert not fetched()
    assert site.quarantine().approve(waiting.id, BEN_KEY, "root").state == "released"
    assert fetched()
    site.publish(slipped)
    assert fetched()
    assert site.events() == [
        "audit_started",
        "list_quarantined",
        "quarantine_approved",
        "quarantine_approved",
        "quarantine_approved",
        "quarantine_released",
    ]
    assert [one.facts.get("by") for one in site.told()][2:5] == ["ann", "ann", "ben"]


def test_a_released_version_stays_so_until_another_goes_live(site: Site) -> None:
    site.publish(["bad.example"])
    site.clock.now += 10
    item = site.keep(digest_of(["other.example"]))
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(item, key, "root")
    site.clock.now += 10
    released = ("national", digest_of(["other.example"]))
    site.publish(["other.example"])
    assert site.quarantine().released(*released)
    site.roll_back()
    assert site.quarantine().released(*released)
    site.clock.now += 10
    site.publish(["third.example"])
    assert not site.quarantine().released(*released)
    assert site.quarantine().standing(item).state == "superseded"
    site.roll_back()
    assert not site.quarantine().released(*released)
    # It takes both people again.
    site.clock.now += 10
    site.quarantine().approve(item, ANN_KEY, "root")
    assert not site.quarantine().released(*released)
    site.quarantine().approve(item, BEN_KEY, "root")
    assert site.quarantine().released(*released)


def test_an_approval_holds_though_the_clock_was_set_back_since_the_last_version_went_live(site: Site) -> None:
    site.publish(["bad.example"])
    site.clock.now -= 86400
    item = site.keep()
    site.quarantine().approve(item, ANN_KEY, "root")
    assert site.quarantine().approve(item, BEN_KEY, "root").state == "released"


def test_another_list_with_the_same_digest_is_not_released_with_it(tmp_path: Path) -> None:
    site = Site(tmp_path, TWO_PEOPLE, replace(TWO_PEOPLE, id="trial"))
    item = site.keep()
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(item, key, "root")
    assert site.quarantine().released("national", DIGEST)
    assert not site.quarantine().released("trial", DIGEST)
    assert not site.quarantine().released("national", "0b" * 32)


def test_approvals_are_weighed_by_the_configuration_in_force(site: Site) -> None:
    item = site.keep()
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(item, key, "root")

    def released(**changed: object) -> bool:
        config = replace(site.config, lists=(replace(TWO_PEOPLE, **changed),))
        return site.quarantine(config).released("national", DIGEST)

    assert released()
    assert not released(approvers=(ANN, EVE))
    assert released(approvers=(ANN, EVE), approvals=1)
    assert not released(approvers=(ANN, BEN, EVE), approvals=3)
    assert not site.quarantine(replace(site.config, lists=())).released("national", DIGEST)


def test_without_approvers_whoever_may_write_the_state_folder_approves_by_account(tmp_path: Path) -> None:
    plain = replace(TWO_PEOPLE, approvers=(), approvals=1)
    site = Site(tmp_path, plain)
    item = site.keep()
    assert site.quarantine().approve(item, None, "operator").approved_by == ("operator",)
    assert site.quarantine().released("national", DIGEST)
    assert site.told()[-2].facts["account"] == "operator"
    # Once there are approvers, that counts for nothing.
    assert not site.quarantine(replace(site.config, lists=(TWO_PEOPLE,))).released("national", DIGEST)


def test_a_list_with_approvers_takes_nobodys_word_without_a_key(site: Site) -> None:
    item = site.keep()
    with pytest.raises(QuarantineRefused, match="add --key FILE"):
        site.quarantine().approve(item, None, "root")
    assert site.events() == ["audit_started", "list_quarantined"]


def test_the_same_version_is_kept_once_and_told_once(site: Site) -> None:
    item = site.keep()
    site.clock.now += 900
    assert site.keep() == item
    assert len(site.quarantine().items()) == 1
    assert site.events() == ["audit_started", "list_quarantined"]


def test_a_version_that_comes_again_after_another_went_live_is_reported_anew(site: Site) -> None:
    item = site.keep()
    site.clock.now += 10
    site.publish(["bad.example"])
    assert site.quarantine().standing(item).state == "superseded"
    site.clock.now += 10
    assert site.keep() == item
    assert site.quarantine().item(item).at == site.clock.now
    assert site.quarantine().standing(item).state == "waiting"


def test_the_oldest_undecided_version_makes_room_on_record(site: Site) -> None:
    items = []
    for number in range(7):
        site.clock.now += 1
        items.append(site.keep(f"{number:02x}" * 32))
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(items[2], key, "root")
    site.clock.now += 1
    items.append(site.keep("ff" * 32))
    left = [one.id for one in site.quarantine().items()]
    assert left == [items[2], *items[4:]]
    dropped = [one.facts["item"] for one in site.told() if one.event == "quarantine_dropped"]
    assert dropped == [items[0], items[1], items[3]]


def test_a_rejected_version_keeps_its_report_and_nothing_else_and_stays_rejected(site: Site) -> None:
    item = site.keep()
    site.quarantine().approve(item, ANN_KEY, "root")
    site.quarantine().reject(item, BEN_KEY, "root")
    standing = site.quarantine().standing(item)
    assert standing.item is not None
    assert (standing.state, standing.item.rejected_by) == ("rejected", "ben")
    assert standing.item.report["entries"] == 8000
    with pytest.raises(QuarantineRefused, match="not kept"):
        site.quarantine().body(item)
    with pytest.raises(QuarantineRefused, match="rejected by ben"):
        site.quarantine().approve(item, BEN_KEY, "root")
    assert site.keep() == item
    assert site.quarantine().standing(item).state == "rejected"
    folder = site.store.root / "quarantine" / item
    assert [path.name for path in folder.iterdir()] == ["item"]
    assert site.told()[-1].facts["by"] == "ben"


def test_a_stranger_rejects_nothing_and_an_account_may(site: Site) -> None:
    item = site.keep()
    with pytest.raises(QuarantineRefused, match="nobody who may decide"):
        site.quarantine().reject(item, EVE_KEY, "root")
    site.quarantine().reject(item, None, "operator")
    assert site.told()[-1].facts["account"] == "operator"


def test_only_who_has_the_right_sees_entries_and_it_is_on_record_first(site: Site) -> None:
    item = site.keep(removed=b"gone.example\n")
    for key in (ANN_KEY, None):
        with pytest.raises(QuarantineRefused, match=r"rights\.reveal"):
            site.quarantine().reveal(item, key)
    assert "entries_revealed" not in site.events()
    body = site.quarantine().reveal(item, EVE_KEY)
    assert (body.raw, body.removed) == ({"": PLANTED}, b"gone.example\n")
    assert site.told()[-1].event == "entries_revealed"
    assert site.told()[-1].facts["by"] == "eve"


def test_no_audit_no_reveal_no_approval_no_rejection(site: Site) -> None:
    item = site.keep()
    (site.store.root / "audit" / "checkpoint").unlink()
    with pytest.raises(AuditBroken):
        site.quarantine().reveal(item, EVE_KEY)
    with pytest.raises(AuditBroken):
        site.quarantine().approve(item, ANN_KEY, "root")
    with pytest.raises(AuditBroken):
        site.quarantine().reject(item, ANN_KEY, "root")
    assert site.quarantine().standing(item).approved_by == ()
    # What a guard refused is kept all the same.
    assert site.quarantine().item(site.keep("0b" * 32)).digest == "0b" * 32


def test_a_removed_right_to_see_entries_no_longer_counts(site: Site) -> None:
    item = site.keep()
    without = replace(site.config, rights=RightsConfig(()))
    with pytest.raises(QuarantineRefused):
        site.quarantine(without).reveal(item, EVE_KEY)


def test_after_the_index_key_was_changed_its_versions_are_shown_as_unreadable(site: Site) -> None:
    item = site.keep()
    for key in (ANN_KEY, BEN_KEY):
        site.quarantine().approve(item, key, "root")
    (site.store.root / "index.key").write_bytes(bytes(32))
    (standing,) = site.quarantine().items()
    assert (standing.id, standing.state) == (item, "unreadable")
    assert standing.fault is not None
    assert "no longer" in standing.fault
    assert not site.quarantine().released("national", DIGEST)
    with pytest.raises(StateError, match="no longer"):
        site.quarantine().reveal(item, EVE_KEY)
    again = site.keep()
    assert again != item
    site.quarantine().reject(item, None, "root")
    assert [one.id for one in site.quarantine().items()] == [again]


@pytest.mark.parametrize("word", ["20270115-ffffffff", "../../etc", "", "national", "20270115-FFFFFFFF"])
def test_an_id_that_is_none_is_refused_without_being_repeated(site: Site, word: str) -> None:
    site.keep()
    for ask in (site.quarantine().item, site.quarantine().standing, site.quarantine().body):
        with pytest.raises(QuarantineRefused, match="quarantine list") as refused:
            ask(word)
        assert not word or word not in str(refused.value)


def test_no_planted_entry_is_in_any_file_in_clear(site: Site) -> None:
    site.keep(removed=PLANTED, version=7)
    files = [path for path in site.store.root.rglob("*") if path.is_file()]
    assert not [path for path in files if b"planted" in path.read_bytes()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    folders = [path for path in site.store.root.rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_the_audit_log_of_all_this_is_whole(site: Site) -> None:
    item = site.keep()
    site.quarantine().approve(item, ANN_KEY, "root")
    site.quarantine().reject(item, None, "root")
    audit = Audit(site.config)
    assert verify(audit.folder, [audit.public_key()]).head.lines == 4


def test_a_keeper_that_was_killed_leaves_nothing_half_kept(site: Site) -> None:
    item = site.keep()
    folder = site.store.root / "quarantine"
    shutil.copytree(folder / item, folder / "aside-torn")
    (folder / "aside-torn" / "item").unlink()
    assert [one.id for one in site.quarantine().items()] == [item]
    site.keep("0b" * 32)
    assert not (folder / "aside-torn").exists()


def test_what_cannot_be_written_is_refused_with_one_error(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    quarantine: Quarantine = site.quarantine()
    site.store.root.joinpath("quarantine").write_text("in the way")
    with pytest.raises(StateError, match="quarantine cannot be"):
        quarantine.keep(TWO_PEOPLE, report(), DIGEST, {"": PLANTED})


def test_on_a_full_disk_nothing_is_kept_and_nothing_makes_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, "1m") as disk:
        site = Site(disk)
        items = [site.keep(f"{number:02x}" * 32) for number in range(5)]
        with pytest.raises(StateError, match="cannot be written: No space"):
            site.quarantine().keep(TWO_PEOPLE, report(), "ff" * 32, {"": bytes(2 << 20)})
        assert {one.id for one in site.quarantine().items()} == set(items)
        assert not list((site.store.root / "quarantine").glob("aside-*"))


def test_what_is_left_of_a_list_that_is_not_configured_any_more_can_be_rejected_only(tmp_path: Path) -> None:
    site = Site(tmp_path, a_list("hotline.v2"))
    item = site.keep()
    later = site.quarantine(replace(site.config, lists=(TWO_PEOPLE,)))
    with pytest.raises(QuarantineRefused, match="not configured any more"):
        later.approve(item, None, "root")
    later.reject(item, None, "root")
    assert later.standing(item).state == "rejected"
    assert (site.told()[-1].facts["item"], site.told()[-1].facts.get("list")) == (item, None)


def test_what_was_kept_before_a_rotation_of_the_keys_is_read_approved_and_released(site: Site) -> None:
    site.publish(["bad.example"])
    site.clock.now += 60
    item = site.keep(DIGEST)
    site.quarantine().approve(item, ANN_KEY, "root")
    rotation.begin(site.store)
    with compiler.draft(site.store, site.config, clock=site.clock, renew=True) as draft:
        draft.replace("national", [parse("bad.example")])
        draft.publish({"national": digest_of(["bad.example"])})
    assert not site.store.rotation_due()
    assert site.quarantine().body(item).raw == {"": PLANTED}
    site.quarantine().approve(item, BEN_KEY, "root")
    assert site.quarantine().released("national", DIGEST)


def test_a_version_of_which_the_report_is_lost_is_shown_and_can_be_removed(tmp_path):
    site = Site(tmp_path)
    lost, whole = site.keep("0a" * 32), site.keep("0b" * 32)
    (site.store.root / "quarantine" / lost / "item").unlink()
    ward = site.quarantine()
    assert {one.id: one.state for one in ward.items()} == {lost: "unreadable", whole: "waiting"}
    assert not ward.released("national", "0a" * 32)
    assert ward.refused_since("national") is not None
    ward.reject(lost, None, "root")
    assert [one.id for one in site.quarantine().items()] == [whole]


def test_a_removal_that_was_cut_short_leaves_nothing_to_look_at(tmp_path, monkeypatch):
    site = Site(tmp_path)
    gone, kept = site.keep("0a" * 32), site.keep("0b" * 32)
    (site.store.root / "quarantine" / gone / "item").write_bytes(b"damaged")
    monkeypatch.setattr("shutil.rmtree", _killed)
    with pytest.raises(KeyboardInterrupt):
        site.quarantine().reject(gone, None, "root")
    assert [one.id for one in site.quarantine().items()] == [kept]
    monkeypatch.undo()
    site.keep("0c" * 32)
    assert not list((site.store.root / "quarantine").glob("aside-*"))


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
