"""Makes the next version of one copy of the list, and what changed since the one in force. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from cop_filter import fingerprints
from cop_filter.authority.folder import list_bytes
from cop_filter.provenance import Change, ChangeFile, ListManifest

MAX_DELTAS = 16
MAX_DELTA_SHARE = 0.5
"""Of the list's length that all changes together may have: for more, the whole list serves better."""


class Version(NamedTuple):
    """A manifest, and the files it names: path -> content."""

    manifest: ListManifest
    files: Mapping[str, bytes]


def make(
    list_id: str,
    texts: Sequence[str],
    canaries: Collection[str],
    *,
    number: int,
    window: tuple[int, int],
    keys: int,
    before: Version | None,
) -> Version:
    """The version of this number, valid in `window` (Unix seconds); `before` is what was published last.

    `keys` is the version of the key set that will sign. `texts` are sorted, each once,
    not none, and hold the canaries.
    """
    body = list_bytes(texts)
    manifest = ListManifest(
        list=list_id,
        version=number,
        not_before=window[0],
        expires=window[1],
        length=len(body),
        digest=sha256(body).hexdigest(),
        count=len(texts),
        previous=None if before is None else before.manifest.digest,
        entries_digest=fingerprints.digest(fingerprints.of_lines(texts)),
        canaries=tuple(sorted(canaries)),
        deltas=(),
        keys=keys,
    )
    files = {manifest.path: body}
    if before is None:
        return Version(manifest, files)
    changes = list(before.manifest.deltas)
    files |= {one.path: before.files[one.path] for one in changes}
    if before.manifest.digest != manifest.digest:
        old = before.files[before.manifest.path].decode().splitlines()
        change = Change.between(
            before.manifest.digest, frozenset(old), frozenset(texts), manifest.entries_digest
        ).to_bytes()
        changes.append(ChangeFile(before.manifest.digest, sha256(change).hexdigest(), len(change)))
        files[changes[-1].path] = change
    kept = _affordable(changes, len(body))
    wanted = {manifest.path, *(one.path for one in kept)}
    return Version(
        replace(manifest, deltas=kept), {path: body for path, body in files.items() if path in wanted}
    )


def _affordable(changes: list[ChangeFile], length: int) -> tuple[ChangeFile, ...]:
    """The newest ones; the oldest go first, because each leads to the next."""
    kept = changes[-MAX_DELTAS:]
    while kept and sum(one.length for one in kept) > length * MAX_DELTA_SHARE:
        kept.pop(0)
    return tuple(kept)
