"""The signed list as its authority serves it, and as those do who would pass off something else."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256

from signed_authority import manifest_of, prints_of, text_of
from stage import version

from cop_filter import signing
from cop_filter.provenance import KEYS, LIST, Change, ChangeFile, KeySet, ListManifest
from cop_filter.signing import SigningKey

NAME = "signed"
KEY, THIEF = SigningKey.generate(), SigningKey.generate()
"""Made before anybody forks: server and subscribers are of one mind about them."""
LIFE_S = 43_200
DELTAS = 4
Files = dict[str, bytes]


@cache
def good(number: int) -> Files:
    """Path -> content of one version: manifest, list, key set, and the changes from the versions before."""
    manifest = _manifest(number)
    deltas = [_delta(earlier) for earlier in range(max(number - DELTAS, 1), number)]
    made = replace(manifest, deltas=tuple(file for file, _ in deltas))
    return {
        "manifest.json": signing.seal(made.said(), LIST, [KEY]),
        made.path: text_of(version(NAME, number)),
        KeySet.path_of(1): signing.seal(KeySet(NAME, 1, 1, (KEY.public,)).said(), KEYS, [KEY]),
        **{file.path: raw for file, raw in deltas},
    }


@cache
def _manifest(number: int) -> ListManifest:
    begun = int(time.time()) - 60
    return manifest_of(
        version(NAME, number),
        list=NAME,
        version=number,
        not_before=begun,
        expires=begun + LIFE_S,
        previous=None if number == 1 else _manifest(number - 1).digest,
    )


@cache
def _delta(base: int) -> tuple[ChangeFile, bytes]:
    old, new = version(NAME, base), version(NAME, base + 1)
    digest = _manifest(base).digest
    raw = Change.between(digest, frozenset(old), frozenset(new), prints_of(new)).to_bytes()
    return ChangeFile(digest, sha256(raw).hexdigest(), len(raw)), raw


def _signed(number: int, *keys: SigningKey, **changes: object) -> Files:
    made = replace(_manifest(number), **changes)  # type: ignore[arg-type]  # passed through
    return {**good(number), "manifest.json": signing.seal(made.said(), LIST, keys)}


def _each(number: int, folder: str, change: Callable[[bytes], bytes]) -> Files:
    return {
        path: change(content) if path.startswith(folder) else content
        for path, content in good(number).items()
    }


HOSTILE: dict[str, Callable[[int], Files]] = {
    "old mirror": lambda number: good(max(number - 2, 1)),
    "cut delta": lambda number: _each(number, "deltas/", lambda raw: raw[: len(raw) // 2]),
    "wrong digest": lambda number: {
        path: content if path == "manifest.json" else content.swapcase()
        for path, content in good(number).items()
    },
    "expired": lambda number: _signed(number, KEY, not_before=1, expires=int(time.time()) - 1),
    "forged": lambda number: _signed(number, THIEF),
    "gone": lambda _: {},
}
