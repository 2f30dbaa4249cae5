"""What a run is about: three lists whose versions are known, a state folder, and a server for all runs."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hostile_authority as hostile

from cop_filter.config import Config

PLANTED = "planted"
ENTRIES = 60


def version(list_id: str, number: int) -> list[str]:
    """The entries of one version of a list; three of four are those of the version before."""
    names = [f"{PLANTED}-{list_id}-{(number + index) // 4}-{index}.example" for index in range(ENTRIES)]
    pages = [f"http://{PLANTED}-pages-{list_id}.example/{number}/*/{PLANTED}"]
    return names + pages


def body(list_id: str, number: int) -> bytes:
    """The version as its server sends it."""
    return "\n".join([*version(list_id, number), ""]).encode()


def questions(list_id: str, number: int) -> list[str]:
    """What is asked to see whether that version is in force."""
    return [
        text.replace("*", "any") if "/" in text else f"http://{text}/" for text in version(list_id, number)
    ]


HOSTILE: dict[str, Callable[[bytes], hostile.Behaviour]] = {
    "cut off": lambda good: hostile.cut_off(good[: len(good) // 2]),
    "empty": lambda _: hostile.serve(b""),
    "web page": lambda _: hostile.serve(b"<html>please log in</html>"),
    "server error": lambda _: hostile.status(503),
    "silent": lambda _: hostile.hang,
    "drip": lambda _: hostile.drip,
    "noise": lambda good: hostile.serve(bytes(byte ^ 0x5A for byte in good)),
    "no HTTP": hostile.raw,
    "bomb": lambda _: hostile.endless,
    "one entry left": lambda good: hostile.serve(good.split(b"\n")[0] + b"\n"),
    "not modified": lambda _: hostile.status(304),
}


@dataclass
class Stage:
    """One run's lists, state and server."""

    folder: Path
    config: Config
    chance: random.Random
    offered: dict[str, int]

    @property
    def state(self) -> Path:
        return self.config.state_dir

    def say(self, **behaviours: str) -> None:
        """How the server, which serves all runs, behaves from now on, by list; else it is good."""
        served = self.folder.parent / "served"
        aside = served / "behaviour.new"
        told = {name: [behaviours.get(name, "good"), self.offered[name]] for name in ("remote", "signed")}
        aside.write_text(json.dumps(told))
        aside.replace(served / "behaviour")

    def offer(self) -> None:
        """A new version of all lists."""
        for list_id in self.offered:
            self.offered[list_id] += 1
        self.say()
        aside = self.folder / "local.new"
        aside.write_bytes(body("local", self.offered["local"]))
        aside.replace(self.folder / "local.txt")
