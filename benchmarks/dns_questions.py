"""What is listed and what is asked: seeded, synthetic, and all of one length."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20_240_501
SPLASH, ORIGIN = "192.0.2.80", "192.0.2.1"
LISTED_SHARE = 0.001
"""Of the mix."""


def names(count: int, seed: int = SEED) -> list[str]:
    """That many listed domains."""
    rng = random.Random(seed)
    return [f"{rng.getrandbits(40):010x}-{number:07}.example" for number in range(count)]


def probes(listed: Sequence[str]) -> list[str]:
    """Subdomains of a hundred domains from all over the list, the last one among them."""
    step = max(len(listed) // 100, 1)
    return [f"www.{name}" for name in listed[::-step]]


def write_names(path: Path, listed: Iterable[str]) -> Path:
    """One a line."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{name}\n" for name in listed)
    return path


@dataclass(frozen=True, slots=True)
class Asked:
    """Files of questions: subdomains of listed domains, and allowed names that fit every cache."""

    listed: Path
    cached: Path
    missed: Path
    """One allowed name, to be asked for with a fresh label each time."""

    def workloads(self) -> dict[str, tuple[Path, dict[str, Any]]]:
        """By name: the questions, and how they are drawn."""
        mixed = {"zipf": 1.0, "also": self.listed, "also_share": LISTED_SHARE, "seed": SEED}
        return {
            "listed": (self.listed, {}),
            "cached": (self.cached, {}),
            "mixed, 0.1% listed, Zipf": (self.cached, mixed),
            "listed, fresh labels": (self.listed, {"unique_prefix": True}),
        }


def write(folder: Path, listed: Sequence[str], count: int) -> Asked:
    """`count` questions of each kind; the listed ones are spread over `listed`."""
    rng = random.Random(SEED)
    chosen = rng.sample(listed, min(count, len(listed)))
    allowed = [f"h{number:013}.allowed.example" for number in range(count)]
    return Asked(
        _file(folder / "listed.questions", (f"www.{name}" for name in chosen), SPLASH),
        _file(folder / "cached.questions", allowed, ORIGIN),
        _file(folder / "missed.questions", ["missed.example"], ORIGIN),
    )


def _file(path: Path, asked: Iterable[str], address: str) -> Path:
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{name} A a={address}\n" for name in asked)
    return path
