"""What a hostile server, a mirror or a thief of keys can do to a subscriber of a signed list: withhold it.

Named as in the security model of The Update Framework. Every refusal leaves the last good list in force.
"""

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import zstandard
from hostile_authority import Authority, Behaviour, Exchange, cut_off, endless, hang, head, serve, stall
from signed_authority import DAY, NOW, SignedAuthority, manifest_of, text_of
from signed_visits import Subscriber

from cop_filter import signing
from cop_filter.errors import FetchFailed, ProvenanceFailed
from cop_filter.provenance import LIST
from cop_filter.signing import SigningKey
from cop_filter.sources import NotModified, TryAgain, Validators

ANN, BEN, CAT, EVE = (SigningKey.generate() for _ in range(4))
LINES = [f"host{number}.example" for number in range(200)]
CHANGED = [*LINES[1:], "http://new.example/page"]


@pytest.fixture
def signed(authority: Authority) -> SignedAuthority:
    return SignedAuthority(authority, [ANN, BEN, CAT], threshold=2)


@pytest.fixture
def subscriber(session: aiohttp.ClientSession, tmp_path: Path) -> Subscriber:
    keys = (ANN.public, BEN.public, CAT.public)
    return Subscriber(session, tmp_path / "memory", keys, threshold=2)


async def test_rollback_to_an_older_version_is_refused(signed: SignedAuthority, subscriber: Subscriber):
    old = signed.publish(LINES)
    signed.publish(CHANGED)
    await subscriber.visit(signed.source)
    signed.show(old)
    with pytest.raises(ProvenanceFailed, match="shows version 1, and 2 was seen"):
        await subscriber.visit(signed.source)


async def test_rollback_is_refused_even_when_the_sources_memory_is_lost(
    signed: SignedAuthority, subscriber: Subscriber
):
    old = signed.publish(LINES)
    signed.publish(CHANGED)
    await subscriber.visit(signed.source)
    (subscriber.memory / "signed.json").unlink()
    signed.show(old)
    with pytest.raises(ProvenanceFailed, match="shows version 1, and 2 was seen"):
        await subscriber.visit(signed.source)


async def test_replay_of_an_old_mirror_is_refused_though_nothing_of_it_was_ever_changed(
    signed: SignedAuthority, subscriber: Subscriber
):
    mirror = SignedAuthority(signed.server, signed.keys, 2, folder="/mirror/national")
    mirror.publish(LINES)
    signed.publish(LINES)
    signed.publish(CHANGED)
    await subscriber.visit(signed.source)
    with pytest.raises(ProvenanceFailed, match="old mirror"):
        await subscriber.visit(mirror.source)


async def test_a_version_that_was_seen_and_not_delivered_still_counts(
    signed: SignedAuthority, subscriber: Subscriber
):
    old = signed.publish(LINES)
    await subscriber.visit(signed.source)
    newer = signed.publish(CHANGED)
    for path in (newer.path, newer.deltas[0].path):
        signed.put(path, b"other.example\n")
    with pytest.raises((FetchFailed, ProvenanceFailed)):
        await subscriber.visit(signed.source)
    signed.show(old)
    with pytest.raises(ProvenanceFailed, match="shows version 1, and 2 was seen"):
        await subscriber.visit(signed.source)


async def test_freeze_is_noticed_when_the_last_version_expires(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    subscriber.now = NOW + DAY - 1
    assert isinstance(await subscriber.visit(signed.source), NotModified)
    subscriber.now = NOW + DAY
    with pytest.raises(ProvenanceFailed, match=r"expired on 2025-06-16 .* held back"):
        await subscriber.visit(signed.source)


async def test_a_first_visit_to_a_frozen_mirror_is_refused(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES, not_before=NOW - 9 * DAY, expires=NOW - DAY)
    with pytest.raises(ProvenanceFailed, match="expired"):
        await subscriber.visit(signed.source)


async def test_a_version_from_the_future_is_refused_with_a_word_about_the_clock(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES, not_before=NOW + 301)
    with pytest.raises(ProvenanceFailed, match="look at this machine's clock"):
        await subscriber.visit(signed.source)
    subscriber.now = NOW + 1
    await subscriber.fetched(signed.source)


async def test_mix_and_match_of_two_lists_is_refused(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    signed.show(manifest_of(CHANGED, list="worst-of", version=9))
    with pytest.raises(ProvenanceFailed, match="another list"):
        await subscriber.visit(signed.source)


async def test_mix_and_match_of_two_receivers_copies_is_refused(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.folder = "/national.isp-a"
    signed.publish(LINES, list="national.isp-b")
    with pytest.raises(ProvenanceFailed, match="another list"):
        await subscriber.visit(signed.source)


async def test_mix_and_match_of_a_manifest_and_another_versions_list_is_refused(
    signed: SignedAuthority, subscriber: Subscriber
):
    made = signed.publish(LINES)
    other = [line.replace("host", "hoax") for line in LINES]
    signed.put(made.path, text_of(other))
    with pytest.raises(ProvenanceFailed, match="not the one that the manifest vouches for"):
        await subscriber.visit(signed.source)


async def test_two_lists_of_one_version_are_refused(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.manifest = None
    signed.publish(CHANGED, version=1)
    with pytest.raises(ProvenanceFailed, match="two different lists of version 1"):
        await subscriber.visit(signed.source)


async def test_endless_data_is_cut_off_at_the_manifests_length(
    signed: SignedAuthority, subscriber: Subscriber
):
    made = signed.publish(LINES)
    signed.server.answers[f"/national/{made.path}"] = endless
    with pytest.raises(FetchFailed, match="the list: the answer is larger than") as refusal:
        await subscriber.visit(signed.source)
    assert f"({made.length + 1024})" in str(refusal.value)


@pytest.mark.parametrize("file", ["manifest.json", "1.keys.json"])
async def test_endless_data_in_place_of_a_signed_document_is_cut_off(
    signed: SignedAuthority, subscriber: Subscriber, file: str
):
    signed.publish(LINES)
    signed.server.answers[f"/national/{file}"] = endless
    with pytest.raises(FetchFailed, match="larger than"):
        await subscriber.visit(signed.source)


async def test_endless_data_in_a_small_packing_is_cut_off(signed: SignedAuthority, subscriber: Subscriber):
    made = signed.publish(LINES)
    bomb = zstandard.compress(b"a.example\n" * 10_000_000)
    signed.server.answers[f"/national/{made.path}"] = serve(bomb, Content_Encoding="zstd")
    with pytest.raises(FetchFailed, match=r"unpacks to more than|larger than"):
        await subscriber.visit(signed.source)


async def drip(exchange: Exchange) -> None:
    """Slow loris, of a length that may well be: always a byte more, never done."""
    await exchange.send(head(Content_Length=1000))
    while not await exchange.client_leaves(within_s=0.02):
        await exchange.send(b"a")


@pytest.mark.parametrize("slow", [hang, stall, drip])
@pytest.mark.parametrize("file", ["manifest.json", "1.keys.json", "the list", "the change"])
async def test_slow_retrieval_ends_with_the_visits_time(
    signed: SignedAuthority, subscriber: Subscriber, slow: Behaviour, file: str
):
    made = signed.publish(LINES)
    if file == "the change":
        await subscriber.visit(signed.source)
        made = signed.publish(CHANGED)
    path = {"the list": made.path, "the change": made.deltas[0].path if made.deltas else ""}.get(file, file)
    signed.server.answers[f"/national/{path}"] = slow
    with pytest.raises(TryAgain):
        await subscriber.visit(signed.source, timeout_s=0.3)


@pytest.mark.parametrize(
    "lie",
    [
        lambda text: text[:-1],
        lambda text: text + b"one.more.example\n",
        lambda text: text.removesuffix(b"host99.example\n"),
        lambda _: b"",
    ],
)
async def test_wrong_length_is_refused(
    signed: SignedAuthority, subscriber: Subscriber, lie: Callable[[bytes], bytes]
):
    made = signed.publish(LINES)
    signed.put(made.path, lie(text_of(LINES)))
    with pytest.raises((FetchFailed, ProvenanceFailed)):
        await subscriber.visit(signed.source)


async def test_a_list_that_is_cut_off_is_tried_again(signed: SignedAuthority, subscriber: Subscriber):
    made = signed.publish(LINES)
    signed.server.answers[f"/national/{made.path}"] = cut_off(text_of(LINES)[:1000])
    with pytest.raises(TryAgain):
        await subscriber.visit(signed.source)


async def test_a_manifest_that_counts_wrongly_is_refused(signed: SignedAuthority, subscriber: Subscriber):
    signed.publish(LINES, count=199)
    with pytest.raises(ProvenanceFailed, match="count of lines"):
        await subscriber.visit(signed.source)


async def test_one_stolen_key_below_the_threshold_signs_no_list(
    signed: SignedAuthority, subscriber: Subscriber
):
    signed.publish(LINES)
    await subscriber.visit(signed.source)
    signed.publish(CHANGED, by=[ANN, EVE])
    with pytest.raises(ProvenanceFailed, match="1 of the 2"):
        await subscriber.visit(signed.source)


async def test_a_key_set_is_no_list(signed: SignedAuthority, subscriber: Subscriber):
    made = signed.publish(LINES)
    signed.put("manifest.json", signing.seal(made.said(), "keys", signed.keys))
    with pytest.raises(ProvenanceFailed, match="0 of the 2"):
        await subscriber.visit(signed.source)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"version": 2**53},
        {"version": True},
        {"version": "7"},
        {"digest": "no digest"},
        {"digest": "A" * 64},
        {"list": "../national"},
        {"expires": NOW - 9 * DAY},
        {"expires": NOW + 1000 * DAY},
        {"canaries": ["a.example", "a.example"]},
        {"canaries": ["a.example\nb.example"]},
        {"deltas": [{}]},
        {"deltas": 7},
        {"keys": 0},
        {"length": -1},
        {"type": "keys"},
        {"format": 2},
    ],
)
async def test_a_malformed_manifest_is_refused_though_it_is_signed(
    signed: SignedAuthority, subscriber: Subscriber, changes: dict[str, object]
):
    said = signed.publish(LINES).said() | changes
    signed.put("manifest.json", signing.seal(said, LIST, signed.keys))
    with pytest.raises(ProvenanceFailed, match=r"malformed|another list"):
        await subscriber.visit(signed.source)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"null", b'{"signed": 3, "signatures": []}', b"\xff\xfe"])
async def test_what_is_no_signed_document_is_refused(
    signed: SignedAuthority, subscriber: Subscriber, raw: bytes
):
    signed.publish(LINES)
    signed.put("manifest.json", raw)
    with pytest.raises((FetchFailed, ProvenanceFailed)):
        await subscriber.visit(signed.source)


async def test_a_reader_during_a_publish_sees_one_version_or_the_other(
    signed: SignedAuthority, subscriber: Subscriber
):
    """Files of the next version may be there before its manifest; those of the last stay behind it."""
    signed.publish(LINES)
    shown = signed.server.answers["/national/manifest.json"]
    signed.publish(CHANGED)
    signed.server.answers["/national/manifest.json"] = shown
    assert (await subscriber.fetched(signed.source)).raw == {"": text_of(LINES)}


async def test_no_refusal_repeats_an_entry_or_an_address(signed: SignedAuthority, subscriber: Subscriber):
    made = signed.publish(LINES)
    signed.put(made.path, b"planted.example\n" * 10)
    with pytest.raises(ProvenanceFailed) as refusal:
        await subscriber.visit(signed.source)
    assert "example" not in str(refusal.value)
    assert "127.0.0.1" not in str(refusal.value)
    subscriber.validators = Validators(etag="signed 99999999999999999999 x y")
    with pytest.raises(ProvenanceFailed):
        await subscriber.visit(signed.source)
