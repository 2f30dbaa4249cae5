"""What an authority does with its list from day to day: add, remove, sign, publish."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cop_filter.authority import key_sets, publishing, receivers, versions
from cop_filter.authority.editing import canonical_texts, counted, refuse_missing
from cop_filter.authority.folder import Folder, Settings, Shelf, check_name, list_bytes, merged
from cop_filter.authority.overview import Signed, signed_version
from cop_filter.authority.signatures import sign_files
from cop_filter.authority.version import Version, make
from cop_filter.errors import SignatureRefused, StateError
from cop_filter.provenance import KeySet, ListManifest
from cop_filter.provenance.list_manifest import MAX_CANARIES
from cop_filter.signing import PublicKey, SigningKey


class Edited(NamedTuple):
    """How an edit ended: entries that changed, that were so before, and that the list has now."""

    changed: int
    unchanged: int
    entries: int


class Desk:
    """The list in one folder. Changes are made by one command at a time, whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)

    # ------------------------------------------------------------ keys

    def begin(
        self, list_id: str, keys: Sequence[PublicKey], threshold: int, signers: Sequence[SigningKey]
    ) -> int:
        """Make the folder and its first key set; gives how many signatures that one still needs.

        Raises StateError, SignatureRefused.
        """
        check_name("list", list_id)
        if not 1 <= threshold <= len(set(keys)):
            raise SignatureRefused(f"a threshold of {threshold} needs as many different keys")
        self.folder.create(list_id)
        key_sets.propose(self.folder, list_id, keys, threshold, signers)
        return key_sets.lacking(self.folder)

    def rotate(self, keys: Sequence[PublicKey], threshold: int, signers: Sequence[SigningKey]) -> int:
        """Propose the next key set; gives how many signatures of the old or the new keys it still needs."""
        with self.folder.alone():
            key_sets.chain(self.folder).current  # noqa: B018  there must be one to hand over from
            key_sets.propose(self.folder, self.folder.settings().list, keys, threshold, signers)
        return key_sets.lacking(self.folder)

    # ------------------------------------------------------------ entries

    def add(self, body: bytes, shelf: Shelf) -> Edited:
        """Add plain lines. Raises BadFormat, StateError."""
        with self.folder.alone():
            held, new = self.folder.texts(shelf), canonical_texts(body)
            result = merged(held, new)
            if shelf == "canaries" and len(result) > MAX_CANARIES:
                raise StateError(f"a list announces at most {MAX_CANARIES} canaries")
            self.folder.save_texts(shelf, result)
        return Edited(len(result) - len(held), len(new) - len(result) + len(held), len(result))

    def remove(self, body: bytes, shelf: Shelf) -> Edited:
        """Remove plain lines, all of which must be there. Raises BadFormat, StateError."""
        with self.folder.alone():
            held, old = self.folder.texts(shelf), canonical_texts(body)
            refuse_missing(old, frozenset(held))
            self.folder.save_texts(shelf, [text for text in held if text not in old])
        return Edited(len(old), 0, len(held) - len(old))

    # ------------------------------------------------------------ versions

    def sign(
        self, keys: Sequence[SigningKey], now: float, *, life_s: float, again: bool = False, after: int = 0
    ) -> Signed:
        """Make the next version and sign it, or sign the one that waits, if it is what the list holds.

        `again` makes a new one in any case; its number is above `after`. Raises StateError, SignatureRefused.
        """
        with self.folder.alone():
            settings = self.folder.settings()
            current = key_sets.chain(self.folder).current
            _check_signers(current, keys)
            number = max(settings.last_version, after) + 1
            window = (int(now), int(now + life_s))
            made = self._make(settings, number, window, current)
            pending = versions.waiting(self.folder, settings)
            if pending is not None and not (again or after) and self._is(pending, made):
                number = pending
                sign_files([versions.tree(self.folder, pending)], keys)
            else:
                self.folder.save(replace(settings, last_version=number))
                versions.write(self.folder, number, made, keys)
                versions.prune(self.folder, {number, settings.published})
            return signed_version(self.folder, number)

    def _make(
        self, settings: Settings, number: int, window: tuple[int, int], keys: KeySet
    ) -> dict[str, Version]:
        canaries = self.folder.texts("canaries")
        texts = merged(self.folder.texts("entries"), canaries)
        if not texts:
            raise StateError("the list has no entry yet: `cop-filter authority add FILE`")
        return {
            copy: make(
                copy, merged(texts, its_marks), canaries, number=number, window=window, keys=keys.version,
                before=versions.published(self.folder, settings, copy),
            )
            for copy, its_marks in receivers.copies(self.folder, settings, texts).items()
        }  # fmt: skip

    def changed_since(self, number: int) -> bool:
        """Whether the list holds something else now than in this version. Raises StateError."""
        settings = self.folder.settings()
        texts = merged(self.folder.texts("entries"), self.folder.texts("canaries"))
        now = receivers.copies(self.folder, settings, texts)
        there = {
            copy: publishing.shown(place) for copy, place in versions.copies(self.folder, number).items()
        }
        return there.keys() != now.keys() or any(
            shown is None or shown.digest != sha256(list_bytes(merged(texts, now[copy]))).hexdigest()
            for copy, shown in there.items()
        )

    def _is(self, number: int, made: Mapping[str, Version]) -> bool:
        """Whether a version holds what would be made now."""
        there = {
            copy: publishing.shown(place) for copy, place in versions.copies(self.folder, number).items()
        }
        return there.keys() == made.keys() and all(
            shown is not None and _content(shown) == _content(made[copy].manifest)
            for copy, shown in there.items()
        )

    def publish(self, target: Path) -> Signed:
        """Write the newest version into `target`, a folder for each copy. Raises StateError."""
        with self.folder.alone():
            settings = self.folder.settings()
            chain = key_sets.chain(self.folder)
            pending = versions.waiting(self.folder, settings)
            number = settings.published if pending is None else pending
            if number is None:
                raise StateError("nothing is signed yet: `cop-filter authority sign --key KEY.pem`")
            signed = signed_version(self.folder, number)
            if pending is not None and signed.key_set < chain.current.version:
                raise SignatureRefused(
                    f"version {number} was signed by key set {signed.key_set}, and {chain.current.version} "
                    "is in force: `cop-filter authority sign --key KEY.pem`"
                )
            if signed.lacking:
                raise SignatureRefused(
                    f"version {number} needs {counted(signed.lacking, 'more signature', 'more signatures')}: "
                    f"`cop-filter authority sign {signed.place} --key KEY.pem`"
                )
            for copy, place in versions.copies(self.folder, number).items():
                publishing.publish(place, chain.files, target / copy)
            self.folder.save(replace(settings, published=number))
            versions.prune(self.folder, {number})
            return signed


def _content(manifest: ListManifest) -> ListManifest:
    """What of a manifest says what it holds, whenever it was made."""
    return replace(manifest, version=1, not_before=0, expires=1)


def _check_signers(current: KeySet, keys: Sequence[SigningKey]) -> None:
    for key in keys:
        if key.public not in current.keys:
            raise SignatureRefused(
                f"the key {key.public} is not in key set {current.version}; sign with one that is, or "
                "take it in with `cop-filter authority keys rotate`"
            )
