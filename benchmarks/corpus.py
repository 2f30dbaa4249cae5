"""Seeded names and URLs: what is listed, and what is asked. All synthetic."""

import random
from dataclasses import dataclass

SEED = 20261121
TOP_LEVEL = ("example", "test", "invalid")


@dataclass(frozen=True, slots=True)
class Corpus:
    """`domains` and `urls` are listed; `urls` are without a scheme."""

    domains: list[str]
    urls: list[str]
    words: list[str]


def listed(domains: int, urls: int, seed: int = SEED) -> Corpus:
    """That many distinct domains and page URLs on hosts of their own, three pages to a host."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 10))) for _ in range(50_000)]
    names: dict[str, None] = {}
    while len(names) < domains:
        name = f"{rng.choice(words)}-{rng.choice(words)}{rng.randrange(1000)}.{rng.choice(TOP_LEVEL)}"
        names[name] = None
    pages: dict[str, None] = {}
    while len(pages) < urls:
        host = f"{rng.choice(words)}.{rng.choice(words)}-pages.{rng.choice(TOP_LEVEL)}"
        for _ in range(min(3, urls - len(pages))):
            pages[f"{host}/{rng.choice(words)}/{rng.choice(words)}.html"] = None
    return Corpus(list(names), list(pages), words)


def hosts_asked(corpus: Corpus, count: int, listed_share: float, seed: int = SEED + 1) -> list[str]:
    """Host names, of which `listed_share` are subdomains of listed domains."""
    rng = random.Random(seed)
    return [
        f"www.{rng.choice(corpus.domains)}"
        if rng.random() < listed_share
        else f"{rng.choice(corpus.words)}.{rng.choice(corpus.words)}{place}.{rng.choice(TOP_LEVEL)}"
        for place in range(count)
    ]


def urls_asked(corpus: Corpus, count: int, listed_share: float, seed: int = SEED + 2) -> list[str]:
    """Raw URLs as a proxy sees them, of which `listed_share` are listed pages."""
    rng = random.Random(seed)
    return [
        f"http://{rng.choice(corpus.urls)}"
        if rng.random() < listed_share
        else f"https://www.{rng.choice(corpus.words)}{place}.{rng.choice(TOP_LEVEL)}"
        f"/{rng.choice(corpus.words)}/{rng.choice(corpus.words)}?id={place}"
        for place in range(count)
    ]
