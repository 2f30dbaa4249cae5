"""What can go wrong: each fault is a context that lasts as long as it does."""

import contextlib
import gc
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import signed
from stage import HOSTILE, Stage

from cop_filter.store import Store

DAY_S = 86400.0

Fault = Callable[[Stage], contextlib.AbstractContextManager[Callable[[], None]]]
"""Something that is wrong while the context lasts; gives what the child does first."""


def nothing() -> None:
    pass


@contextlib.contextmanager
def killed_at_a_step(stage: Stage) -> Iterator[Callable[[], None]]:
    left = stage.chance.randrange(24)

    def arm() -> None:
        def at_step(_: Store, __: str) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        Store.at_step = at_step  # type: ignore[method-assign]

    yield arm


@contextlib.contextmanager
def killed_at_a_write(stage: Stage) -> Iterator[Callable[[], None]]:
    """At a random call of the kernel that writes, renames or syncs."""
    left = stage.chance.randrange(40)

    def arm() -> None:
        def armed(real: Callable[..., object]) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        for name in ("fsync", "open", "rename", "replace", "link", "unlink", "mkdir"):
            setattr(os, name, armed(getattr(os, name)))

    yield arm


@contextlib.contextmanager
def full_disk(stage: Stage) -> Iterator[Callable[[], None]]:
    ballast = stage.state.parent / "ballast"
    status = os.statvfs(stage.state.parent)
    room = status.f_bavail * status.f_frsize - stage.chance.choice([0, 4096, 16384, 40960, 131072])
    with ballast.open("wb") as file, contextlib.suppress(OSError):
        file.write(bytes(max(room, 0)))
    yield nothing
    ballast.unlink()


@contextlib.contextmanager
def read_only(stage: Stage) -> Iterator[Callable[[], None]]:
    gc.collect()  # an engine that is not gone yet has files mapped that are: then the disk is busy
    remount(stage, "ro")
    yield nothing
    remount(stage, "rw")


def remount(stage: Stage, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(stage.state.parent)], check=True)


@contextlib.contextmanager
def jumped_clock(stage: Stage) -> Iterator[Callable[[], None]]:
    by_s = stage.chance.choice([-3650, -30, -1, 1, 30, 3650]) * DAY_S
    real = time.time

    def arm() -> None:
        time.time = lambda: real() + by_s

    yield arm


@contextlib.contextmanager
def damaged_file(stage: Stage) -> Iterator[Callable[[], None]]:
    """Any file of the state but the key that all the others are useless without."""
    files = sorted(path for path in stage.state.rglob("*") if path.is_file() and path.name != "index.key")
    for path in stage.chance.sample(files, k=min(len(files), stage.chance.choice([1, 1, 2, 5]))):
        damage(path, stage.chance)
    yield nothing


def damage(path: Path, chance: random.Random) -> None:
    """As whoever opens it next finds it; whoever has the old one mapped keeps that (`test_damaged_index`)."""
    content = bytearray(path.read_bytes())
    match chance.randrange(5):
        case 0:
            path.unlink()
            return
        case 1:
            content = content[: chance.randrange(len(content) + 1)]
        case 2:
            content = bytearray(len(content))
        case 3:
            content += bytes(chance.randrange(1, 500))
        case _:
            for _ in range(chance.randrange(1, 20)):
                if content:
                    content[chance.randrange(len(content))] = chance.randrange(256)
    aside = path.with_name(f"{path.name}.damaged")
    aside.write_bytes(content)
    aside.chmod(path.stat().st_mode)
    aside.replace(path)


@contextlib.contextmanager
def hostile_server(stage: Stage) -> Iterator[Callable[[], None]]:
    stage.say(
        remote=stage.chance.choice(["good", *sorted(HOSTILE)]),
        signed=stage.chance.choice(["good", *sorted(signed.HOSTILE)]),
    )
    yield nothing


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        damaged_file,
        full_disk,
        read_only,
        killed_at_a_step,
        killed_at_a_write,
        jumped_clock,
        hostile_server,
    )
}
