"""The list in figures: what it holds, who must sign, and what subscribers are shown. Never an entry."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cop_filter import entries
from cop_filter.authority import key_sets, publishing, versions
from cop_filter.authority.folder import Folder
from cop_filter.errors import StateError


class Signed(NamedTuple):
    """A version: how many signatures it still needs, and where its documents lie."""

    number: int
    copies: Sequence[str]
    lines: int
    expires: int
    key_set: int
    lacking: int
    place: Path


def signed_version(folder: Folder, number: int) -> Signed:
    """A version in the folder. Raises StateError when it is damaged."""
    places = versions.copies(folder, number)
    shown = [one for one in map(publishing.shown, places.values()) if one is not None]
    sets = key_sets.chain(folder).sets
    if not shown or len(shown) < len(places) or shown[0].keys > len(sets):
        raise StateError(f"version {number} is damaged; run `cop-filter authority sign` again")
    first = shown[0]
    lacking = max(versions.lacking(place, sets[first.keys - 1]) for place in places.values())
    place = versions.tree(folder, number)
    return Signed(number, list(places), first.count, first.expires, first.keys, lacking, place)


def overview(folder: Folder) -> dict[str, object]:
    """What `show` shows. Raises StateError."""
    settings = folder.settings()
    chain = key_sets.chain(folder)
    texts = folder.texts("entries")
    read = entries.parse_many(texts)
    kinds = Counter(str(one.kind) for one in read if isinstance(one, entries.Entry))
    numbers = {"published": settings.published, "waiting": versions.waiting(folder, settings)}
    return {
        "list": settings.list,
        "entries": len(texts),
        "kinds": dict(kinds),
        "canaries": len(folder.texts("canaries")),
        "receivers": list(settings.receivers),
        "key_set": len(chain.sets),
        "threshold": chain.sets[-1].threshold if chain.sets else None,
        "keys": [str(key) for key in chain.sets[-1].keys] if chain.sets else [],
        "key_set_lacks": key_sets.lacking(folder),
        **{name: None if number is None else _shown(folder, number) for name, number in numbers.items()},
    }


def _shown(folder: Folder, number: int) -> dict[str, object]:
    signed = signed_version(folder, number)
    return {"version": number, "expires": signed.expires, "lacks": signed.lacking}
