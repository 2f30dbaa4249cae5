"""The demo from beginning to end: build, play, print, and end everything."""

import asyncio
import time

from rich.console import Console

from cop_filter.demo import by_hand, table
from cop_filter.demo.interruption import Interruption
from cop_filter.demo.programme import ENDING, Act, programme
from cop_filter.demo.replies import PAGE_ADDRESS
from cop_filter.demo.rows import Section
from cop_filter.demo.stage import NotReady, Stage, built, until_ready


def perform(*, keep: bool) -> int:
    """Run it; 0 only when every row is as expected."""
    out = table.console()
    try:
        return asyncio.run(_perform(out, keep=keep))
    except asyncio.CancelledError:
        out.print("\nInterrupted. Everything that was started is ended, and nothing is left.")
    except NotReady as error:
        out.print("cop-filter serve did not come up. The end of its log:", style="bold red")
        out.print(str(error), markup=False, soft_wrap=True)
    return 1


async def _perform(out: Console, *, keep: bool) -> int:
    interruption = Interruption()
    started = time.monotonic()
    async with built(lambda said: out.print(said, markup=False)) as stage:
        with out.status("Starting cop-filter serve"):
            await until_ready(stage)
        out.print(_scene(stage, time.monotonic() - started), markup=False)
        sections = [await _play(out, act, stage) for act in programme(stage)]
        if not all(section.fine for section in sections):
            out.print("\nThe end of the log of cop-filter serve:", style="bold red")
            out.print(stage.service.last_lines(), markup=False, soft_wrap=True)
        if keep:
            out.print()
            out.print(by_hand.text(stage), markup=False, soft_wrap=True)
            waited_since = time.monotonic()
            await interruption.wait()
            started += time.monotonic() - waited_since
        sections.append(await _play(out, ENDING, stage))
    table.summary(out, sections, time.monotonic() - started)
    return 0 if all(section.fine for section in sections) else 1


async def _play(out: Console, act: Act, stage: Stage) -> Section:
    started = time.monotonic()
    with out.status(act.title):
        rows = await act.rows(stage)
    section = Section(act.title, act.explained, act.layout, tuple(rows), time.monotonic() - started)
    table.show(out, section)
    return section


def _scene(stage: Stage, seconds: float) -> str:
    ports = stage.ports
    return f"""\
A network in small, on loopback. After {seconds:.1f} s everything is running:

  authority   publishes {len(stage.lists)} lists over HTTP, in {stage.authority.folder}
  origin      the sites that people want to see, over HTTP and HTTPS
  upstream    the resolver behind ours: says that every name is at 127.0.0.1
  cop-filter serve, as a real process with its roles
    sync      fetches the lists, the first one every second
    dns       127.0.0.1:{ports.dns}, over UDP and TCP
    proxy     127.0.0.1:{ports.proxy}, mitmproxy with the filter in it
    page      {PAGE_ADDRESS}:{ports.splash}, what blocked people meet
    metrics   127.0.0.1:{ports.metrics}

It is now asked for listed and unlisted things, with {stage.clients.dns.name} and {stage.clients.http.name}.\
"""
