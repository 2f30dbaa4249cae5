"""A signed list arrives whole or as what changed, and follows its authority's keys."""

import errno
import gzip
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from hostile_authority import Authority, serve, status
from signed_authority import DAY, NOW, SignedAuthority, prints_of, text_of
from signed_visits import Subscriber

from cop_filter import durable
from cop_filter.errors import FetchFailed, ProvenanceFailed, StateError
from cop_filter.provenance import Change, ChangeFile
from cop_filter.signing import SigningKey
from cop_filter.sources import NotModified, TryAgain, Validators, Vouched

ANN, BEN, CAT, EVE = (SigningKey.generate() for _ in range(4))
LINES = [f"host{number}.example" for number in range(200)]
CHANGED = [*LINES[1:], "http://new.example/page"]


@pytest.fixture
def signed(authority: Authority) -> SignedAuthority:
    return SignedAuthority(authority, [ANN])


@pytest.fixture
def subscriber(session: aiohttp.ClientSession, tmp_path: Path) -> Subscriber:
    return Subscriber(session, tmp_path / "memory", (ANN.public,))


async def test_a_signed_list_arrives_whole_with_what_is_vouched_for(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES, canaries=("host7.example",))
    answer = await subscriber.fetched(signed.source)
    assert answer.raw == {"": text_of(LINES)}
    assert answer.digest == sha256(text_of(LINES)).hexdigest()
    assert answer.base is None
    assert answer.vouched == Vouched(1, NOW + DAY, ("host7.example",), prints_of(LINES))


async def test_a_version_that_is_held_is_not_fetched_again(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    assert isinstance(await subscriber.visit(signed.source), NotModified)
    assert signed.asked_for() == ["manifest.json", "1.keys.json", "lists", "manifest.json"]


async def test_of_a_newer_version_only_the_change_is_fetched(signed: SignedAuthority, subscriber: Subscriber):
    held = signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.publish(CHANGED)
    answer = await subscriber.fetched(signed.source)
    assert answer.base == held.digest
    assert answer.raw == {"": b"http://new.example/page\n"}
    assert answer.removed == b"host0.example\n"
    assert answer.digest == sha256(text_of(CHANGED)).hexdigest()
    assert signed.asked_for()[-2:] == ["manifest.json", "deltas"]


async def test_who_missed_versions_gets_their_changes_as_one(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.publish([*LINES, "came.example", "went.example"])
    signed.publish([*LINES[2:], "came.example"])
    signed.publish([*LINES[1:], "came.example"])
    answer = await subscriber.fetched(signed.source)
    assert answer.raw == {"": b"came.example\n"}
    assert answer.removed == b"host0.example\n"


async def test_a_list_that_goes_back_is_followed_by_its_last_changes(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    signed.publish(CHANGED)
    await subscriber.visit(signed.source)
    signed.publish(LINES)
    answer = await subscriber.fetched(signed.source)
    assert (answer.raw, answer.removed) == ({"": b"host0.example\n"}, b"http://new.example/page\n")


async def test_who_holds_nothing_of_it_gets_the_whole_list(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    signed.publish(CHANGED)
    subscriber.held = "0" * 64
    assert (await subscriber.fetched(signed.source)).base is None


async def test_a_change_larger_than_the_list_is_left_alone(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.publish([f"other{number}.example" for number in range(10)])
    assert (await subscriber.fetched(signed.source)).base is None


async def test_a_prolonged_version_changes_nothing_but_what_is_vouched_for(
    signed: SignedAuthority, subscriber: Subscriber
):
    first = signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.show(replace(first, version=2, expires=NOW + 9 * DAY))
    answer = await subscriber.fetched(signed.source)
    assert (answer.base, answer.digest) == (first.digest, first.digest)
    assert (answer.raw, answer.removed) == ({"": b""}, b"")
    assert answer.vouched is not None
    assert answer.vouched.expires_at == NOW + 9 * DAY


@pytest.mark.parametrize(
    "fault", ["gone", "cut", "no JSON", "other base", "other result", "bad line", "both"]
)
async def test_a_change_of_no_use_costs_a_whole_download(
    signed: SignedAuthority, subscriber: Subscriber, fault: str
):
    held = signed.publish(LINES)
    await subscriber.visit(signed.source)
    made = signed.publish(CHANGED)
    good = Change.between(held.digest, frozenset(LINES), frozenset(CHANGED), made.entries_digest)
    raw = {
        "gone": good.to_bytes(),
        "cut": good.to_bytes()[:-1],
        "no JSON": b"[" * 100_000,
        "other base": replace(good, base="0" * 64).to_bytes(),
        "other result": replace(good, result="0" * 64).to_bytes(),
        "bad line": replace(good, add=("one.example\ntwo.example",)).to_bytes(),
        "both": replace(good, remove=good.add).to_bytes(),
    }[fault]
    file = ChangeFile(held.digest, sha256(raw).hexdigest(), len(raw))
    if fault == "cut":
        file = ChangeFile(held.digest, sha256(good.to_bytes()).hexdigest(), len(good.to_bytes()))
    if fault == "no JSON":
        file = replace(file, length=1000)
    signed.put(file.path, raw)
    if fault == "gone":
        signed.server.answers[f"/national/{file.path}"] = status(404)
    signed.show(replace(made, deltas=(file,)))
    answer = await subscriber.fetched(signed.source)
    assert answer.base is None
    assert answer.raw == {"": text_of(CHANGED)}


async def test_a_line_that_broke_is_tried_again_and_not_made_up_for_by_the_whole_list(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    made = signed.publish(CHANGED)
    signed.server.answers[f"/national/{made.deltas[0].path}"] = status(503)
    with pytest.raises(TryAgain, match="what changed: the server answered 503"):
        await subscriber.visit(signed.source)


async def test_a_list_larger_than_the_operator_allows_is_not_begun(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    with pytest.raises(FetchFailed, match="larger than max_bytes"):
        await subscriber.visit(signed.source, max_bytes=1000)
    assert "lists" not in signed.asked_for()


async def test_a_secret_in_the_source_goes_with_every_file_and_into_no_message(
    signed: SignedAuthority, subscriber: Subscriber
):
    with pytest.raises(FetchFailed) as refusal:
        await subscriber.visit(f"{signed.source}?key=s3cret")
    assert "s3cret" not in str(refusal.value)
    assert [one.target for one in signed.server.requests] == ["/national/manifest.json?key=s3cret"]


# ---------------------------------------------------------------- keys


async def test_key_rotation_is_followed_when_old_and_new_keys_signed_it(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.key_set(2, [BEN], by=[ANN, BEN])
    signed.publish(CHANGED, by=[BEN], keys=2)
    assert (await subscriber.fetched(signed.source)).digest == sha256(text_of(CHANGED)).hexdigest()
    signed.publish(LINES, by=[BEN], keys=2)
    await subscriber.visit(signed.source)
    assert signed.asked_for().count("2.keys.json") == 1


async def test_several_rotations_are_followed_at_once(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    signed.key_set(2, [BEN], by=[ANN, BEN])
    signed.key_set(3, [CAT], by=[BEN, CAT])
    signed.publish(CHANGED, by=[CAT], keys=3)
    assert (await subscriber.fetched(signed.source)).base is None


async def test_an_operator_may_have_configured_any_key_set_of_the_chain(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    signed.key_set(2, [BEN], by=[ANN, BEN])
    signed.key_set(3, [CAT], by=[BEN, CAT])
    signed.publish(CHANGED, by=[CAT], keys=3)
    for number, key in enumerate((ANN, BEN, CAT)):
        fresh = replace(subscriber, keys=(key.public,), memory=subscriber.memory / str(number))
        await fresh.fetched(signed.source)


async def test_key_rotation_by_a_thief_is_refused(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.key_set(2, [EVE], by=[EVE])
    signed.publish(CHANGED, by=[EVE], keys=2)
    with pytest.raises(ProvenanceFailed, match="no key set leads"):
        await subscriber.visit(signed.source)


async def test_key_rotation_by_a_thief_of_one_key_of_two_is_refused(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.keys, signed.threshold = [ANN, BEN], 2
    subscriber.keys, subscriber.threshold = (ANN.public, BEN.public), 2
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.key_set(2, [EVE], by=[ANN, EVE])
    signed.publish(CHANGED, by=[EVE], keys=2)
    with pytest.raises(ProvenanceFailed):
        await subscriber.visit(signed.source)


async def test_a_new_key_set_that_its_own_keys_did_not_sign_is_refused(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.key_set(2, [BEN], by=[ANN])
    signed.publish(CHANGED, by=[BEN], keys=2)
    with pytest.raises(ProvenanceFailed):
        await subscriber.visit(signed.source)


async def test_retired_keys_sign_nothing_any_more(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    signed.key_set(2, [BEN], by=[ANN, BEN])
    signed.publish(CHANGED, by=[BEN], keys=2)
    await subscriber.visit(signed.source)
    signed.publish(LINES, by=[ANN], keys=1)
    with pytest.raises(ProvenanceFailed, match="key set 1, and 2 is known"):
        await subscriber.visit(signed.source)
    signed.publish(LINES, by=[ANN], keys=2)
    with pytest.raises(ProvenanceFailed, match="0 of the 1"):
        await subscriber.visit(signed.source)


async def test_a_server_cannot_send_a_subscriber_through_endless_key_sets(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    signed.publish(CHANGED, by=[EVE], keys=1_000_000)
    for number in range(1_000_000, 999_900, -1):
        signed.key_set(number, [EVE], by=[EVE])
    with pytest.raises(ProvenanceFailed):
        await subscriber.visit(signed.source)
    assert len(signed.asked_for()) < 40


async def test_who_turns_to_another_authority_begins_anew(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES, version=70)
    await subscriber.visit(signed.source)
    signed.keys, signed.manifest = [EVE], None
    signed.publish(CHANGED, version=1)
    subscriber.keys = (EVE.public,)
    assert (await subscriber.fetched(signed.source)).digest == sha256(text_of(CHANGED)).hexdigest()


async def test_who_configures_other_keys_of_the_same_people_still_sees_no_older_version(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.keys = [ANN, BEN]
    signed.publish(LINES, version=70)
    await subscriber.visit(signed.source)
    subscriber.keys = (BEN.public, ANN.public, CAT.public)
    subscriber.validators = Validators()
    signed.show(replace(signed.manifest, version=69))
    with pytest.raises(ProvenanceFailed, match="version 69, and 70 was seen"):
        await subscriber.visit(signed.source)


async def test_what_is_remembered_is_for_the_owner_alone_and_holds_no_entry(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES, canaries=("host7.example",))
    await subscriber.visit(signed.source)
    (file,) = subscriber.memory.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert subscriber.memory.stat().st_mode & 0o777 == 0o700
    assert "host" not in file.read_text()


async def test_a_damaged_memory_does_not_keep_the_list_away(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    for damage in (b"", b"{", b"[]", b'{"keys": 3}', b"\xff" * 100):
        (subscriber.memory / "signed.json").write_bytes(damage)
        assert isinstance(await subscriber.visit(signed.source), NotModified)


async def test_a_list_whose_version_cannot_be_remembered_is_not_taken(
    signed: SignedAuthority, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
):
    """It could be rolled back tomorrow: a full disk keeps the last good list, and says so."""

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    signed.publish(LINES)
    monkeypatch.setattr(durable, "replace", full)
    with pytest.raises(StateError, match="No space left on device"):
        await subscriber.visit(signed.source)


async def test_the_server_may_pack_its_files(signed: SignedAuthority, subscriber: Subscriber):
    made = signed.publish(LINES)
    packed = gzip.compress(text_of(LINES))
    signed.server.answers[f"/national/{made.path}"] = serve(packed, Content_Encoding="gzip")
    assert (await subscriber.fetched(signed.source)).raw == {"": text_of(LINES)}
