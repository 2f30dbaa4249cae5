"""An authority's list from its first entry to what subscribers are shown."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cop_filter import durable, signing
from cop_filter.authority.desk import Desk
from cop_filter.authority.overview import overview
from cop_filter.authority.publishing import shown
from cop_filter.authority.signatures import sign_files
from cop_filter.errors import BadFormat, SignatureRefused, StateError
from cop_filter.provenance import LIST, Change
from cop_filter.signing import SigningKey

ANN, BEN, CAT, EVE = (SigningKey.generate() for _ in range(4))
NOW = 1_750_000_000.0
WEEK_S = 7 * 86_400.0
MANY = b"".join(b"host%d.example\n" % number for number in range(200))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "authority")
    assert made.begin("national", [ANN.public], 1, [ANN]) == 0
    return made


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return tmp_path / "web"


def publish(desk: Desk, web: Path, *keys: SigningKey) -> None:
    desk.sign(keys or [ANN], NOW, life_s=WEEK_S)
    desk.publish(web)


def test_entries_are_kept_in_canonical_form_sorted_and_once(desk: Desk):
    desk.add(b"http://B.example:80/a/../b\n\n# a comment\nZ.example\nz.EXAMPLE.\n", "entries")
    edited = desk.add(b"z.example\na.example\n", "entries")
    assert edited == (1, 1, 3)
    stored = (desk.folder.root / "entries.txt").read_text()
    assert stored == "a.example\nhttp://b.example/b\nz.example\n"


def test_a_wrong_line_is_named_and_nothing_is_added(desk: Desk):
    desk.add(b"one.example\n", "entries")
    with pytest.raises(BadFormat, match=r"2 lines are no entry, .*: line 2: .*; line 4: ") as refusal:
        desk.add(b"two.example\n192.0.2.1\n\nfoo bar\n", "entries")
    assert "192.0.2" not in str(refusal.value)
    assert desk.folder.texts("entries") == ["one.example"]


def test_what_is_not_there_is_not_removed_nor_is_anything_beside_it(desk: Desk):
    desk.add(b"one.example\ntwo.example\n", "entries")
    with pytest.raises(BadFormat, match="line 2: it is not in the list"):
        desk.remove(b"one.example\nthree.example\n", "entries")
    assert len(desk.folder.texts("entries")) == 2
    assert desk.remove(b"ONE.example\n", "entries") == (1, 0, 1)


def test_only_the_owner_can_read_what_the_authority_keeps(desk: Desk, web: Path):
    desk.add(MANY, "entries")
    publish(desk, web)
    for path in [desk.folder.root, *desk.folder.root.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_folder_that_others_can_read_is_not_worked_in(desk: Desk):
    desk.folder.root.chmod(0o755)
    with pytest.raises(StateError, match="chmod 700"):
        desk.add(b"one.example\n", "entries")


def test_a_list_edited_by_hand_is_not_signed(desk: Desk):
    desk.add(b"one.example\n", "entries")
    with (desk.folder.root / "entries.txt").open("ab") as file:
        file.write(b"almost.example\n")
    with pytest.raises(StateError, match="edited by hand"):
        desk.sign([ANN], NOW, life_s=WEEK_S)


def test_an_empty_list_is_not_signed(desk: Desk):
    with pytest.raises(StateError, match="no entry yet"):
        desk.sign([ANN], NOW, life_s=WEEK_S)


def test_two_commands_do_not_change_a_list_at_once(desk: Desk):
    with desk.folder.alone(), pytest.raises(StateError, match="somebody else"):
        desk.add(b"one.example\n", "entries")


def test_a_published_folder_holds_the_list_its_manifest_and_its_keys(desk: Desk, web: Path):
    desk.add(b"one.example\n", "entries")
    desk.add(b"canary.example\n", "canaries")
    publish(desk, web)
    said = signing.read((web / "national" / "manifest.json").read_bytes(), LIST, [ANN.public]).said
    assert said["canaries"] == ["canary.example"]
    assert said["expires"] - said["not_before"] == WEEK_S
    names = {str(path.relative_to(web / "national")) for path in web.rglob("*") if path.is_file()}
    assert names == {"manifest.json", "1.keys.json", f"lists/{said['digest']}.txt"}
    body = (web / "national" / f"lists/{said['digest']}.txt").read_bytes()
    assert body == b"canary.example\none.example\n"


def test_a_published_folder_is_as_open_as_the_folder_above_it(desk: Desk, web: Path):
    web.mkdir()
    web.chmod(0o755)
    desk.add(b"one.example\n", "entries")
    publish(desk, web)
    assert (web / "national" / "lists").stat().st_mode & 0o777 == 0o755
    assert (web / "national" / "manifest.json").stat().st_mode & 0o777 == 0o644


def test_each_version_comes_with_what_changed_since_those_before(desk: Desk, web: Path):
    desk.add(MANY, "entries")
    publish(desk, web)
    digests = []
    for number in range(3):
        digests.append(shown(web / "national").digest)
        desk.add(b"new%d.example\n" % number, "entries")
        desk.remove(b"host%d.example\n" % number, "entries")
        publish(desk, web)
    manifest = shown(web / "national")
    assert [one.base for one in manifest.deltas] == digests
    assert manifest.previous == digests[-1]
    assert manifest.version == 4
    last = Change.read((web / "national" / manifest.deltas[-1].path).read_bytes())
    assert (last.add, last.remove) == (("new2.example",), ("host2.example",))
    assert last.result == manifest.entries_digest


def test_old_changes_go_when_they_outgrow_the_list(desk: Desk, web: Path):
    desk.add(MANY, "entries")
    for number in range(25):
        desk.add(b"".join(b"n%d-%d.example\n" % (number, one) for one in range(10)), "entries")
        publish(desk, web)
    manifest = shown(web / "national")
    assert 0 < len(manifest.deltas) <= 16
    assert sum(one.length for one in manifest.deltas) <= manifest.length / 2
    kept = {path.name for path in (web / "national" / "deltas").iterdir()}
    assert {Path(one.path).name for one in manifest.deltas} <= kept
    assert len(kept) <= len(manifest.deltas) + 2


def test_prolonging_a_version_raises_its_number_and_changes_no_list(desk: Desk, web: Path):
    desk.add(MANY, "entries")
    publish(desk, web)
    before = shown(web / "national")
    desk.sign([ANN], NOW + 100, life_s=WEEK_S, again=True)
    desk.publish(web)
    after = shown(web / "national")
    assert (after.version, after.digest) == (before.version + 1, before.digest)
    assert after.expires == before.expires + 100
    assert after.deltas == ()


def test_a_reader_during_a_publish_finds_every_file_that_the_manifest_names(
    desk: Desk, web: Path, monkeypatch: pytest.MonkeyPatch
):
    desk.add(MANY, "entries")
    publish(desk, web)
    desk.add(b"new.example\n", "entries")
    publish(desk, web)
    read_before = shown(web / "national")
    seen: list[int] = []
    sync = durable.sync_folder

    def look(path: Path) -> None:
        sync(path)
        for manifest in (shown(web / "national"), read_before):
            named = [manifest.path, *(one.path for one in manifest.deltas)]
            assert all((web / "national" / name).exists() for name in named)
        seen.append(shown(web / "national").version)

    desk.add(b"newer.example\n", "entries")
    desk.sign([ANN], NOW, life_s=WEEK_S)
    monkeypatch.setattr(durable, "sync_folder", look)
    desk.publish(web)
    assert seen[0] == 2
    assert 3 in seen


def test_an_older_version_is_not_published_over_a_newer_one(desk: Desk, web: Path, tmp_path: Path):
    """An authority that restored an old backup would show its subscribers what they refuse."""
    desk.add(MANY, "entries")
    publish(desk, web)
    publish(desk, web)
    restored = Desk(tmp_path / "restored")
    restored.begin("national", [ANN.public], 1, [ANN])
    restored.add(MANY, "entries")
    with pytest.raises(StateError, match="--after 2"):
        publish(restored, web)
    restored.sign([ANN], NOW, life_s=WEEK_S, after=2)
    restored.publish(web)
    assert shown(web / "national").version == 3


# ---------------------------------------------------------------- several people


@pytest.fixture
def shared(tmp_path: Path) -> Desk:
    made = Desk(tmp_path / "authority")
    assert made.begin("national", [ANN.public, BEN.public, CAT.public], 2, [ANN]) == 1
    return made


def test_nothing_is_published_before_enough_people_have_signed(shared: Desk, web: Path):
    with pytest.raises(StateError, match="key set 1 needs more signatures"):
        shared.sign([ANN], NOW, life_s=WEEK_S)
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY, "entries")
    signed = shared.sign([ANN], NOW, life_s=WEEK_S)
    assert signed.lacking == 1
    with pytest.raises(SignatureRefused, match="needs 1 more signature"):
        shared.publish(web)
    assert not web.exists()
    # On another machine, with nothing but a copy of the folder.
    sign_files([signed.place], [CAT])
    shared.publish(web)
    raw = (web / "national" / "manifest.json").read_bytes()
    assert len(signing.read(raw, LIST, [ANN.public, CAT.public], 2).signers) == 2


def test_a_second_person_signs_the_version_of_the_first(shared: Desk):
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY, "entries")
    first = shared.sign([ANN], NOW, life_s=WEEK_S)
    second = shared.sign([BEN], NOW + 3600, life_s=WEEK_S)
    assert (second.number, second.lacking) == (first.number, 0)


def test_a_second_person_does_not_sign_what_the_list_no_longer_holds(shared: Desk):
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY, "entries")
    first = shared.sign([ANN], NOW, life_s=WEEK_S)
    shared.add(b"new.example\n", "entries")
    second = shared.sign([BEN], NOW, life_s=WEEK_S)
    assert (second.number, second.lacking) == (first.number + 1, 1)


def test_the_signature_of_a_stranger_is_refused(shared: Desk):
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY, "entries")
    with pytest.raises(SignatureRefused, match="not in key set 1"):
        shared.sign([EVE], NOW, life_s=WEEK_S)
    with pytest.raises(SignatureRefused, match="neither the old nor the new"):
        shared.rotate([ANN.public], 1, [EVE])


def test_a_key_set_is_handed_over_by_enough_of_the_old_and_of_the_new(shared: Desk, web: Path):
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY, "entries")
    assert shared.rotate([BEN.public, EVE.public], 2, [BEN]) == 1
    # Still the old people's list.
    assert shared.sign([ANN, CAT], NOW, life_s=WEEK_S).lacking == 0
    sign_files([shared.folder.keys / "2.keys.json"], [ANN, EVE])
    with pytest.raises(SignatureRefused, match="signed by key set 1, and 2 is in force"):
        shared.publish(web)
    assert shared.sign([BEN, EVE], NOW, life_s=WEEK_S).lacking == 0
    shared.publish(web)
    assert shown(web / "national").keys == 2
    assert (web / "national" / "2.keys.json").exists()


def test_figures_are_shown_and_no_entry(shared: Desk, web: Path):
    sign_files([shared.folder.keys], [BEN])
    shared.add(MANY + b"http://h.example/page\n", "entries")
    shared.add(b"canary.example\n", "canaries")
    publish(shared, web, ANN, BEN)
    said = overview(shared.folder)
    assert said["kinds"] == {"domain": 200, "url": 1}
    assert said["published"] == {"version": 1, "expires": int(NOW + WEEK_S), "lacks": 0}
    assert "example" not in json.dumps(said)


@pytest.mark.parametrize(
    "damage",
    [
        lambda root: (root / "authority.json").write_bytes(b"{"),
        lambda root: (root / "keys/1.keys.json").write_bytes(b"[]"),
        lambda root: (root / "versions/000001/national/manifest.json").write_bytes(b""),
    ],
)
def test_what_is_damaged_is_said_and_not_published(desk: Desk, web: Path, damage: Callable[[Path], object]):
    desk.add(MANY, "entries")
    desk.sign([ANN], NOW, life_s=WEEK_S)
    damage(desk.folder.root)
    with pytest.raises(StateError):
        desk.publish(web)
    assert not web.exists()


def test_entries_that_are_lost_are_not_taken_for_an_empty_list(desk: Desk):
    desk.add(MANY, "entries")
    (desk.folder.root / "entries.txt").unlink()
    with pytest.raises(StateError, match="restore it from a backup"):
        desk.add(b"one.example\n", "entries")
