"""The authority changes its list: how long until the network follows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cop_filter.demo import dns_questions, http_questions
from cop_filter.demo.lists import NATIONAL, NATIONAL_TEXT
from cop_filter.demo.replies import REAL, HttpRequest, dns_words, http_words
from cop_filter.demo.rows import Row
from cop_filter.demo.service import until
from cop_filter.demo.stage import Stage

NAME = "new.example"
PAGE = "http://site.example/new.html"
WITHIN_S = 10


@dataclass(slots=True)
class Probe:
    """One question, asked again and again; `seen` are all its answers so far."""

    shown: str
    ask: Callable[[], Awaitable[str]]
    blocked: str
    open: str
    seen: list[str] = field(default_factory=list)

    async def until(self, wanted: str) -> float | None:
        """Seconds until it was answered as wanted; None when that took too long."""

        async def answered() -> bool:
            self.seen.append(await self.ask())
            return self.seen[-1] == wanted

        return await until(answered, within_s=WITHIN_S)


def probes(stage: Stage) -> tuple[Probe, Probe]:
    """A name asked of the resolver, and a page asked through the proxy."""
    dns, http = stage.clients

    async def name() -> str:
        return dns_words(await dns.ask(NAME))

    async def page() -> str:
        return http_words(await http.fetch(HttpRequest(PAGE, proxy=stage.proxy)))

    return (
        Probe(f"{dns.name} {NAME}", name, dns_questions.PAGE, REAL),
        Probe(
            f"{http.name} {PAGE.removeprefix('http://')}", page, http_questions.PAGE, http_questions.ORIGIN
        ),
    )


async def follow(stage: Stage) -> list[Row]:
    """Add a name and a page, and take them off again."""
    both = probes(stage)
    rows = []
    for about, text, blocks in (
        ("not listed yet", NATIONAL_TEXT, False),
        ("added to the list", f"{NATIONAL_TEXT}{NAME}\n{PAGE}\n", True),
        ("taken off the list", NATIONAL_TEXT, False),
    ):
        stage.authority.publish(NATIONAL, text.encode())
        took = await asyncio.gather(*(probe.until(probe.blocked if blocks else probe.open) for probe in both))
        word = "blocked" if blocks else "open"
        for probe, seconds in zip(both, took, strict=True):
            expected = word if about == "not listed yet" else f"{word} within {WITHIN_S} s"
            got = f"still “{probe.seen[-1]}”" if seconds is None else f"{word} after {seconds:.1f} s"
            if about == "not listed yet" and seconds is not None:
                got = word
            rows.append(Row(about, probe.shown, expected, got, seconds is not None))
    rows += [_unbroken(probe) for probe in both]
    return rows


def _unbroken(probe: Probe) -> Row:
    odd = [answer for answer in probe.seen if answer not in (probe.blocked, probe.open)]
    got = f"{len(odd)} of {len(probe.seen)} wrong" if odd else f"{len(probe.seen)}, all of them right"
    return Row("answers meanwhile", probe.shown, "all of them right", got, not odd)
