"""Fetches a signed list: the newest that the authority vouches for, or what changed since the one held.

The server is believed in nothing: it, a mirror or a thief of fewer keys than the threshold can withhold a
list, which is noticed when the last one expires, and can never replace, mix, age or lengthen one. The format
and the attacks are in docs/authorities.md.
"""

import asyncio
import hashlib
import logging
import re
from collections.abc import Collection
from dataclasses import replace

from yarl import URL

from cop_filter import signing
from cop_filter.errors import FetchFailed, ProvenanceFailed, SignatureRefused
from cop_filter.provenance import LIST, Change, ChangeFile, KeySet, ListManifest, claim
from cop_filter.provenance.change import composed
from cop_filter.provenance.key_set import MAX_BYTES as KEY_SET_BYTES
from cop_filter.provenance.list_manifest import MAX_BYTES as MANIFEST_BYTES
from cop_filter.sources import https, seen
from cop_filter.sources.content import open_body
from cop_filter.sources.result import Body, Fetched, NotModified, Progress, TryAgain, Validators, Vouched
from cop_filter.sources.seen import Seen
from cop_filter.sources.visit import Visit

_log = logging.getLogger(__name__)

CLOCK_SLACK_S = 300.0
"""How far this machine's clock may lag behind the authority's."""

MAX_KEY_SETS = 32
"""How many new key sets may be followed at once."""

_PACKING_BYTES = 1024
"""What a server's own compression may add to a body that it cannot make smaller."""

_ACCEPTED = re.compile(r"signed (\d{1,16}) ([0-9a-f]{64}) ([0-9a-f]{64})", re.ASCII)


async def fetch(visit: Visit) -> Fetched | NotModified:
    """One visit. The last part of the source's path is the name of the list that it must hold.

    Raises ProvenanceFailed when nothing proves that this is the authority's newest list, else as `https`.
    """
    try:
        async with asyncio.timeout(visit.wanted.timeout_s):
            return await _Folder(visit).newest()
    except TimeoutError:
        raise TryAgain(f"the list did not arrive within timeout ({visit.wanted.timeout_s:g} s)") from None


class _Folder:
    """The folder of one signed list on its server, for one visit."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._url = URL(visit.wanted.source.partition("+")[2])
        self._list = self._url.path.rstrip("/").rpartition("/")[2]
        family = self._list.partition(".")[0]
        self._configured = KeySet(family, 0, visit.wanted.threshold, visit.wanted.keys)

    async def newest(self) -> Fetched | NotModified:
        """The newest version, unless it is what was accepted last."""
        manifest = await self._manifest()
        anchor = seen.anchor(self._configured)
        accepted = Validators(etag=f"signed {manifest.version} {manifest.digest} {anchor}")
        held = self._visit.held
        if held == manifest.digest and self._visit.validators == accepted:
            return NotModified(_vouched(manifest))
        path = manifest.changes_since(held)
        if held is not None and path is not None:
            try:
                come, go = await self._changes(manifest, path)
            except TryAgain:
                raise
            except (FetchFailed, ProvenanceFailed) as error:
                _log.warning("list %s: its changes are of no use (%s), the whole list is fetched",
                             self._visit.wanted.id, error)  # fmt: skip
            else:
                raw = {"": _lines(come)}
                return Fetched(raw, accepted, manifest.digest, _vouched(manifest), held, _lines(go), "plain")
        return await self._whole(manifest, accepted)

    # ------------------------------------------------------------ what is signed

    async def _manifest(self) -> ListManifest:
        raw = await self._small("manifest.json", MANIFEST_BYTES, "the signed manifest")
        memory = self._visit.memory
        known = await asyncio.to_thread(seen.recall, memory, self._configured)
        known = _with_accepted(known, self._visit.validators)
        try:
            claimed = ListManifest.read(claim(raw))
            if claimed.list != self._list:
                raise ProvenanceFailed(
                    "the manifest is of another list than the last part of the source names: mixed up, or "
                    "the source is misspelt"
                )
            keys = await self._key_set(known.keys, claimed.keys)
            manifest = ListManifest.read(signing.read(raw, LIST, keys.keys, keys.threshold).said)
        except SignatureRefused as refusal:
            raise ProvenanceFailed(f"the signed manifest is refused: {refusal}") from None
        _refuse_the_past(manifest, known)
        manifest.check_window(self._visit.clock(), CLOCK_SLACK_S)
        now_seen = Seen(known.anchor, keys, manifest.version, manifest.digest)
        if now_seen != known:
            await asyncio.to_thread(seen.remember, memory, now_seen, self._configured)
        return manifest

    async def _key_set(self, known: KeySet, version: int) -> KeySet:
        """The key set of this version, reached from the one that is known.

        From the new one back to one that the known keys signed, because an operator may have configured
        the keys of any, and forward again.
        """
        if version == known.version:
            return known
        if version < known.version:
            raise ProvenanceFailed(
                f"the manifest names key set {version}, and {known.version} is known: an old mirror, or a "
                "thief of old keys"
            )
        later: list[tuple[int, bytes]] = []
        for number in range(version, max(known.version, version - MAX_KEY_SETS), -1):
            raw = await self._small(KeySet.path_of(number), KEY_SET_BYTES, f"key set {number}")
            try:
                known = known.followed_by(raw, number)
            except SignatureRefused:
                later.append((number, raw))
                continue
            for further, its_raw in reversed(later):
                known = known.followed_by(its_raw, further)
            return known
        raise SignatureRefused("no key set leads from the configured keys to those of its signers")

    # ------------------------------------------------------------ what is vouched for

    async def _whole(self, manifest: ListManifest, accepted: Validators) -> Fetched:
        wanted = self._visit.wanted
        if manifest.length > min(wanted.max_bytes, wanted.max_unpacked_bytes):
            raise FetchFailed(f"the list ({manifest.length} bytes) is larger than max_bytes allows")
        body = await self._get(manifest.path, manifest.length, "the list", self._visit.progress)
        fetched = await asyncio.to_thread(open_body, body, manifest.length)
        text = fetched.raw.get("", b"")
        if len(text) != manifest.length or fetched.digest != manifest.digest:
            raise ProvenanceFailed("the list is not the one that the manifest vouches for")
        if text.count(b"\n") != manifest.count:
            raise ProvenanceFailed("the list has another count of lines than the manifest says")
        return replace(fetched, validators=accepted, vouched=_vouched(manifest), format="plain")

    async def _changes(
        self, manifest: ListManifest, path: tuple[ChangeFile, ...]
    ) -> tuple[Collection[str], Collection[str]]:
        changes = [await self._change(one) for one in path]
        if changes and changes[-1].result != manifest.entries_digest:
            raise ProvenanceFailed("the list's changes lead elsewhere than the manifest says")
        return await asyncio.to_thread(composed, changes)

    async def _change(self, file: ChangeFile) -> Change:
        body = await self._get(file.path, file.length, "what changed", self._visit.progress)
        return await asyncio.to_thread(_opened, file, body)

    # ------------------------------------------------------------ files

    async def _small(self, path: str, max_bytes: int, what: str) -> bytes:
        return open_body(await self._get(path, max_bytes, what, None), max_bytes).raw.get("", b"")

    async def _get(self, path: str, max_bytes: int, what: str, progress: Progress | None) -> Body:
        """One file of the folder, of which never more is received than it can be long."""
        url = (self._url / path).with_query(self._url.query)
        asked = replace(self._visit.wanted, source=str(url), max_bytes=max_bytes + _PACKING_BYTES)
        visit = self._visit
        try:
            answer = await https.download(
                asked, Validators(), session=visit.session, clock=visit.clock, progress=progress
            )
        except TryAgain as failure:
            raise TryAgain(f"{what}: {failure}", failure.after_s) from None
        except FetchFailed as failure:
            raise FetchFailed(f"{what}: {failure}") from None
        if isinstance(answer, NotModified):
            raise FetchFailed(f"{what}: the server answered 304 without being asked")
        return answer


def _with_accepted(known: Seen, validators: Validators) -> Seen:
    """What was accepted last counts as seen, too: it is kept apart from the source's own memory."""
    accepted = _ACCEPTED.fullmatch(validators.etag or "")
    if accepted is None or accepted[3] != known.anchor or int(accepted[1]) <= known.version:
        return known
    return replace(known, version=int(accepted[1]), digest=accepted[2])


def _refuse_the_past(manifest: ListManifest, known: Seen) -> None:
    if manifest.version < known.version:
        raise ProvenanceFailed(
            f"the server shows version {manifest.version}, and {known.version} was seen: an old mirror, or "
            "somebody plays back an old list"
        )
    if manifest.version == known.version and manifest.digest != known.digest:
        raise ProvenanceFailed(
            f"there are two different lists of version {manifest.version}: ask the authority, its keys may "
            "be stolen"
        )


def _opened(file: ChangeFile, body: Body) -> Change:
    text = open_body(body, file.length).raw.get("", b"")
    if hashlib.sha256(text).hexdigest() != file.digest:
        raise ProvenanceFailed("what changed is not what the manifest vouches for")
    change = Change.read(text)
    if change.base != file.base:
        raise ProvenanceFailed("what changed is for another version than the manifest says")
    return change


def _lines(texts: Collection[str]) -> bytes:
    return "".join(f"{text}\n" for text in sorted(texts)).encode()


def _vouched(manifest: ListManifest) -> Vouched:
    return Vouched(manifest.version, float(manifest.expires), manifest.canaries, manifest.entries_digest)
