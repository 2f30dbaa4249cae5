"""Marks by which a leaked list tells who it was given to.

Each receiver's copy holds entries that no other copy holds: names under domains that the authority owns
and lets rest, made with HMAC-SHA256 from a secret. Without the secret a mark looks like any entry, and no
receiver can make another's. A mark is told by its host, so it survives sorting, cutting and another format.

Limits: two receivers who compare their copies see where these differ, and can cut out the marks of both;
a third one's marks are not theirs to put in. Who guesses the domains can cut out what lies under them: use
several that look like no authority's. A leak of fewer entries than hold a mark, or of registered domains
alone, tells nothing. And a mark says whose copy leaked, not who leaked it.
"""

import hmac
from collections.abc import Collection, Sequence

MARKS = 16
"""How many each copy holds: of a random tenth of a list, four in five hold at least one."""

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_ENDINGS = ("html", "htm", "php", "jpg")


def shapes_of(texts: Collection[str]) -> tuple[str, ...]:
    """Which shapes of entries a list has: marks take the same."""
    shapes = set()
    for text in texts:
        shapes.add("page" if "/" in text else "host" if text.startswith("=") else "domain")
    return tuple(sorted(shapes))


def marks(secret: bytes, receiver: str, domains: Sequence[str], shapes: Sequence[str]) -> list[str]:
    """The entries, as texts, that only this receiver's copy holds; `domains` and `shapes` are not empty.

    The same ones for every version, so that they come in no change; a domain more moves few of them.
    """
    made = []
    for number in range(MARKS):
        host = f"{label(secret, receiver, number)}.{_best(secret, receiver, number, domains)}"
        match _best(secret, receiver, number, shapes):
            case "domain":
                made.append(host)
            case "host":
                made.append(f"={host}")
            case _:
                drawn = _draw(secret, receiver, number, "path")
                page = f"{_word(drawn, 3)}/{drawn % 100_000}.{_ENDINGS[drawn % len(_ENDINGS)]}"
                made.append(f"http://{host}/{page}")
    return made


def label(secret: bytes, receiver: str, number: int) -> str:
    """What the host of a mark begins with."""
    drawn, shape = divmod(_draw(secret, receiver, number, "label"), 3)
    # About 30 bits, under few domains where nobody else names anything: no mark is hit by chance.
    match shape:
        case 0:
            return _word(drawn, 6)
        case 1:
            return f"{_word(drawn, 4)}{drawn % 90 + 10}"
        case _:
            return f"{_word(drawn, 3)}-{_word(drawn >> 40, 2)}"


def _best(secret: bytes, receiver: str, number: int, choices: Sequence[str]) -> str:
    """Highest draw wins (rendezvous hashing): with a choice more or less, most marks stay as they are."""
    return max(choices, key=lambda choice: _draw(secret, receiver, number, f"choice {choice}"))


def _draw(secret: bytes, receiver: str, number: int, what: str) -> int:
    return int.from_bytes(hmac.digest(secret, f"mark {receiver} {number} {what}".encode(), "sha256")[:16])


def _word(drawn: int, syllables: int) -> str:
    word = ""
    for _ in range(syllables):
        drawn, consonant = divmod(drawn, len(_CONSONANTS))
        drawn, vowel = divmod(drawn, len(_VOWELS))
        word += _CONSONANTS[consonant] + _VOWELS[vowel]
    return word
