"""The versions in the authority's folder: the one that waits for signatures, and the published one."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from cop_filter import durable, signing
from cop_filter.authority.folder import Folder, Settings
from cop_filter.authority.key_sets import signers
from cop_filter.authority.publishing import MANIFEST, shown
from cop_filter.authority.version import Version
from cop_filter.errors import StateError
from cop_filter.provenance import LIST, KeySet
from cop_filter.provenance.list_manifest import MAX_BYTES
from cop_filter.signing import SigningKey


def tree(folder: Folder, number: int) -> Path:
    """Where a version lies."""
    return folder.versions / f"{number:06d}"


def waiting(folder: Folder, settings: Settings) -> int | None:
    """The number of the version that was signed by somebody and not published yet."""
    last = settings.last_version
    return last if last != (settings.published or 0) and tree(folder, last).is_dir() else None


def copies(folder: Folder, number: int) -> dict[str, Path]:
    """The copies of a version, by the list's name or that of a receiver's copy."""
    return {path.name: path for path in sorted(tree(folder, number).iterdir())}


def published(folder: Folder, settings: Settings, copy: str) -> Version | None:
    """What subscribers of a copy have; None: nothing, or it is lost and they get a whole list."""
    if settings.published is None:
        return None
    place = tree(folder, settings.published) / copy
    manifest = shown(place)
    if manifest is None:
        return None
    try:
        names = [manifest.path, *(one.path for one in manifest.deltas)]
        return Version(manifest, {name: (place / name).read_bytes() for name in names})
    except OSError:
        return None


def write(folder: Folder, number: int, made: Mapping[str, Version], keys: Sequence[SigningKey]) -> None:
    """Write the version, signed by these keys, whole or not at all. Raises StateError."""
    aside = folder.versions / "aside"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        for copy, version in made.items():
            raw = signing.seal(version.manifest.said(), LIST, keys)
            if len(raw) > MAX_BYTES // 2:
                raise StateError("the manifest is too large: have fewer or shorter canaries")
            for name in ("lists", "deltas"):
                durable.make_folder(aside / copy / name)
            for name, content in version.files.items():
                durable.write(aside / copy / name, content)
            durable.write(aside / copy / MANIFEST, raw)
        place = tree(folder, number)
        shutil.rmtree(place, ignore_errors=True)
        aside.rename(place)
        durable.sync_folder(folder.versions)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise StateError(f"the version cannot be written: {error.strerror}; look at the disk") from None


def prune(folder: Folder, keep: set[int | None]) -> None:
    """Remove every version but these."""
    for path in folder.versions.iterdir():
        if not path.name.isdigit() or int(path.name) not in keep:
            shutil.rmtree(path, ignore_errors=True)


def lacking(place: Path, keys: KeySet) -> int:
    """How many signatures a copy's manifest still needs."""
    return max(0, keys.threshold - signers((place / MANIFEST).read_bytes(), LIST, keys.keys))
