"""Adds a person's signature to documents that others have made, here or on another machine."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cop_filter import durable
from cop_filter.authority.publishing import MANIFEST
from cop_filter.errors import SignatureRefused, StateError
from cop_filter.provenance import KEYS, LIST, KeySet, ListManifest, claim, cosigned
from cop_filter.signing import SigningKey


class SignedFile(NamedTuple):
    """What was signed, for the signer to see."""

    path: Path
    summary: str


def sign_files(paths: Sequence[Path], keys: Sequence[SigningKey]) -> list[SignedFile]:
    """Sign the documents, or all in these folders, in place. Raises SignatureRefused, StateError.

    All are read before the first is written.
    """
    found = [file for path in paths for file in _documents(path)]
    if not found:
        raise SignatureRefused(f"there is no {MANIFEST} and no key set to sign in it")
    read: list[tuple[SignedFile, bytes]] = []
    for path in found:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise StateError(f"{path} cannot be read: {error.strerror}") from None
        said = claim(raw)
        purpose = str(said.get("type"))
        if purpose not in (LIST, KEYS):
            raise SignatureRefused(f"{path} is neither a list's manifest nor a key set")
        summary = _of_list(ListManifest.read(said)) if purpose == LIST else _of_keys(KeySet.read(said))
        read.append((SignedFile(path, summary), cosigned(raw, purpose, keys)))
    for file, raw in read:
        try:
            durable.replace(file.path, raw)
        except OSError as error:
            raise StateError(f"{file.path} cannot be written: {error.strerror}") from None
    return [file for file, _ in read]


def _of_list(manifest: ListManifest) -> str:
    return f"{manifest.list}, version {manifest.version}, {manifest.count} lines, digest {manifest.digest}"


def _of_keys(keys: KeySet) -> str:
    return f"key set {keys.version} of {keys.list}, any {keys.threshold} of {', '.join(map(str, keys.keys))}"


def _documents(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield from sorted(path.rglob(MANIFEST))
    yield from sorted(path.rglob("*.keys.json"))
