"""Runs a program to its end, and never leaves one behind."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Finished(NamedTuple):
    """How a program ended; `code` is None when it had to be ended after its time."""

    code: int | None
    out: bytes
    err: str


async def run(
    argv: Sequence[str],
    *,
    within_s: float,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program with `given` on its standard input."""
    program = await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        stdin=asyncio.subprocess.PIPE if given is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await program.communicate(given)
    except TimeoutError:
        return Finished(None, b"", "")
    finally:
        if program.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                program.kill()
            await program.wait()
    return Finished(program.returncode, out, err.decode(errors="replace"))
