"""Versions of one list, each made from the one before: which lines go and which come. Seeded."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import corpus

URL_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Revision:
    """Lines that go and lines that come; `gone` and `new` are hosts that tell which version is in force."""

    go: Sequence[str]
    come: Sequence[str]

    @property
    def gone(self) -> str:
        """A host that only the version before blocks."""
        return _first_host(self.go)

    @property
    def new(self) -> str:
        """A host that only this version blocks."""
        return _first_host(self.come)


class Versions:
    """`lines` are those of the version made last; mixed domains and pages, under very many domains."""

    def __init__(self, entries: int, spare: int) -> None:
        pages = round((entries + spare) * URL_SHARE)
        listed = corpus.listed(entries + spare - pages, pages)
        everything = [*listed.domains, *(f"http://{url}" for url in listed.urls)]
        self._rng = random.Random(corpus.SEED)
        self._rng.shuffle(everything)
        self.lines = everything[:entries]
        self._spare = everything[entries:]

    def revise(self, count: int) -> Revision:
        """Replace so many lines by as many that no version had."""
        if count > len(self._spare):
            raise ValueError("there are too few lines left that no version had")
        places = self._rng.sample(range(len(self.lines)), count)
        come, self._spare = self._spare[:count], self._spare[count:]
        go = [self.lines[place] for place in places]
        for place, line in zip(places, come, strict=True):
            self.lines[place] = line
        return Revision(go, come)


def _first_host(lines: Sequence[str]) -> str:
    return next(line for line in lines if "/" not in line)
