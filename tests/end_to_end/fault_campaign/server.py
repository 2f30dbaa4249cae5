"""The server of all lists and all runs; what it does next stands in a file."""

import asyncio
import json
from pathlib import Path

import hostile_authority as hostile
import signed
from stage import HOSTILE, body


def serve_for_ever(folder: Path) -> None:
    """Serve `/list` and `/signed/`, as the file `behaviour` in the folder says."""

    async def answer(exchange: hostile.Exchange) -> None:
        told = json.loads((folder / "behaviour").read_text())
        behaviour, number = told["signed" if exchange.target.startswith("/signed/") else "remote"]
        if exchange.target.startswith("/signed/"):
            files = signed.HOSTILE.get(behaviour, signed.good)(number)
            found = files.get(exchange.target.removeprefix("/signed/"))
            await (hostile.status(404) if found is None else hostile.serve(found))(exchange)
        else:
            good = body("remote", number)
            await HOSTILE.get(behaviour, hostile.serve)(good)(exchange)

    async def listen() -> None:
        async with hostile.listening() as authority:
            authority.default = answer
            aside = folder / "url.new"
            aside.write_text(authority.url)
            aside.replace(folder / "url")
            await asyncio.Event().wait()

    asyncio.run(listen())
