"""Whose signatures the list needs: the chain of key sets in the authority's folder."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from cop_filter import durable, signing
from cop_filter.authority.folder import Folder
from cop_filter.errors import CopFilterError, SignatureRefused, StateError
from cop_filter.provenance import KEYS, KeySet, claim
from cop_filter.signing import PublicKey, SigningKey


class Chain(NamedTuple):
    """The sets that enough people signed, in order; and the file of the next one, which needs more."""

    sets: tuple[KeySet, ...]
    files: tuple[Path, ...]
    waiting: Path | None

    @property
    def current(self) -> KeySet:
        """The set in force. Raises StateError before the first is signed."""
        if not self.sets:
            raise StateError(
                f"key set 1 needs more signatures: `cop-filter authority sign {self.waiting} --key KEY.pem`"
            )
        return self.sets[-1]


def chain(folder: Folder) -> Chain:
    """The key sets of the list. Raises StateError when one of them cannot be read."""
    sets: list[KeySet] = []
    files: list[Path] = []
    while True:
        number = len(sets) + 1
        path = folder.keys / KeySet.path_of(number)
        if not path.exists():
            return Chain(tuple(sets), tuple(files), None)
        try:
            raw = path.read_bytes()
            before = sets[-1] if sets else KeySet.read(claim(raw))
            sets.append(before.followed_by(raw, number))
        except SignatureRefused:
            return Chain(tuple(sets), tuple(files), path)
        except (OSError, CopFilterError):
            raise StateError(f"keys/{path.name} is damaged; restore it from a backup") from None
        files.append(path)


def propose(
    folder: Folder, list_id: str, keys: Sequence[PublicKey], threshold: int, signers: Sequence[SigningKey]
) -> Path:
    """Write the next key set, signed by `signers`, and say where. Raises StateError, SignatureRefused."""
    known = chain(folder)
    if not 1 <= threshold <= len(set(keys)):
        raise SignatureRefused(
            f"a threshold of {threshold} needs as many different keys, and there are {len(set(keys))}"
        )
    _refuse_strangers(signers, {*keys, *(known.sets[-1].keys if known.sets else ())})
    made = KeySet(list_id, len(known.sets) + 1, threshold, tuple(dict.fromkeys(keys)))
    path = folder.keys / KeySet.path_of(made.version)
    try:
        durable.replace(path, signing.seal(made.said(), KEYS, signers))
    except OSError as error:
        raise StateError(f"the key set cannot be written: {error.strerror}") from None
    return path


def _refuse_strangers(signers: Sequence[SigningKey], members: Collection[PublicKey]) -> None:
    for signer in signers:
        if signer.public not in members:
            raise SignatureRefused(f"the key {signer.public} belongs to neither the old nor the new key set")


def lacking(folder: Folder) -> int:
    """How many signatures the key set that is waiting still needs, at least."""
    known = chain(folder)
    if known.waiting is None:
        return 0
    raw = known.waiting.read_bytes()
    new = KeySet.read(claim(raw))
    needs = [new, *known.sets[-1:]]
    return max(one.threshold - signers(raw, KEYS, one.keys) for one in needs)


def signers(raw: bytes, purpose: str, keys: Sequence[PublicKey]) -> int:
    """How many of the keys signed a document."""
    try:
        return len(signing.read(raw, purpose, keys).signers)
    except SignatureRefused:
        return 0
