"""Writes what subscribers fetch: a folder of static files that any web server can serve.

A reader who comes during a publish gets the old version or the new one, whole: files are named by their
digests, the manifest is renamed into place last, and what the last manifest names stays beside it.
"""

import re
from pathlib import Path

from cop_filter import durable
from cop_filter.errors import CopFilterError, StateError
from cop_filter.provenance import ListManifest, claim

MANIFEST = "manifest.json"
_CONTENT = re.compile(r"[0-9a-f]{64}\.(?:txt|json)")
_NEW_FOLDER_MODE = 0o750


def shown(target: Path) -> ListManifest | None:
    """What a published folder shows; None when it shows nothing that can be read."""
    try:
        return ListManifest.read(claim((target / MANIFEST).read_bytes()))
    except (OSError, CopFilterError):
        return None


def publish(tree: Path, key_sets: tuple[Path, ...], target: Path) -> None:
    """Copy one copy's version to `target`; its files may be read by whoever may read the folder above.

    Raises StateError when the folder cannot be written, or shows a newer version.
    """
    new, old = shown(tree), shown(target)
    if new is None:
        raise StateError(f"version folder {tree.name} is damaged; run `cop-filter authority sign` again")
    if old is not None and old.version > new.version:
        raise StateError(
            f"the folder shows version {old.version} already, and this is {new.version}: subscribers would "
            f"refuse it. Restore the newest backup, or `cop-filter authority sign --after {old.version}`"
        )
    try:
        above = target.parent
        if not above.exists():
            above.mkdir(mode=_NEW_FOLDER_MODE, parents=True)
        mode = above.stat().st_mode & 0o2755 | 0o700
        for folder in (target, target / "lists", target / "deltas"):
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
        for path in key_sets:
            _put(target / path.name, path.read_bytes(), mode)
        for name in _named(new):
            _put(target / name, (tree / name).read_bytes(), mode)
        _put(target / MANIFEST, (tree / MANIFEST).read_bytes(), mode)
        _clear(target, _named(new) | (set() if old is None else _named(old)))
    except OSError as error:
        raise StateError(
            f"{target} cannot be written ({error.strerror}): look at its owner, its mode and the disk"
        ) from None


def _named(manifest: ListManifest) -> set[str]:
    return {manifest.path, *(one.path for one in manifest.deltas)}


def _put(path: Path, content: bytes, folder_mode: int) -> None:
    if path.exists() and path.read_bytes() == content:
        return
    aside = path.with_name(f".{path.name}.new")
    durable.write(aside, content)
    aside.chmod(folder_mode & 0o644)
    aside.replace(path)
    durable.sync_folder(path.parent)


def _clear(target: Path, wanted: set[str]) -> None:
    for folder in ("lists", "deltas"):
        for path in (target / folder).iterdir():
            leftover = path.name.startswith(".") and path.name.endswith(".new")
            if leftover or (_CONTENT.fullmatch(path.name) and f"{folder}/{path.name}" not in wanted):
                path.unlink()
