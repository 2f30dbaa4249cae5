"""What is shown, in which order, and what a newcomer should know of it."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from cop_filter.demo import (
    changes,
    dns_questions,
    ending,
    failures,
    http_questions,
    page_questions,
    traces,
)
from cop_filter.demo.dns_questions import DnsQuestion
from cop_filter.demo.http_questions import HttpQuestion
from cop_filter.demo.lists import SAMPLES
from cop_filter.demo.replies import PAGE_ADDRESS
from cop_filter.demo.rows import EVENTS, FAULTS, QUESTIONS, Layout, Row
from cop_filter.demo.stage import Stage
from cop_filter.demo.upstream import REAL_ADDRESS


class Act(NamedTuple):
    """One section in the making."""

    title: str
    explained: str
    rows: Callable[[Stage], Awaitable[list[Row]]]
    layout: Layout = QUESTIONS


def _dns(*questions: DnsQuestion) -> Callable[[Stage], Awaitable[list[Row]]]:
    async def rows(stage: Stage) -> list[Row]:
        return [await dns_questions.ask(stage.clients.dns, question) for question in questions]

    return rows


def _http(*questions: HttpQuestion) -> Callable[[Stage], Awaitable[list[Row]]]:
    async def rows(stage: Stage) -> list[Row]:
        client = stage.clients.http
        possible = (one for one in questions if client.speaks_http2 or not one.request.http2)
        return [await http_questions.ask(client, one, stage.proxy, stage.trust) for one in possible]

    return rows


async def _formats(stage: Stage) -> list[Row]:
    return [
        *await _dns(*dns_questions.sample_questions(stage.samples))(stage),
        *await _http(*http_questions.sample_questions(stage.samples))(stage),
    ]


_QUESTIONS = (
    Act(
        "DNS",
        f"“page” is {PAGE_ADDRESS}, where blocked people are led; “real address” is {REAL_ADDRESS}, what "
        "the upstream resolver says. EDE (RFC 8914) tells why: 15 blocked by the operator, 16 by order, "
        "17 at the subscriber's wish, 4 forged answer. A host is never blocked for its pages, and what the "
        "filter itself needs never at all.",
        _dns(*dns_questions.QUESTIONS),
    ),
    Act(
        "HTTP through the proxy",
        "What is listed is answered with status 451 and the page; what is beside it comes from the origin.",
        _http(*http_questions.HTTP_QUESTIONS),
    ),
    Act(
        "Ways around",
        "Other spellings of one listed page, and other ways to ask for it. Who names two sites in one "
        "request is refused with 400.",
        _http(*http_questions.SPELLINGS),
    ),
    Act(
        "HTTPS through the proxy",
        "A listed domain is stopped before the tunnel is dug. Only hosts with listed pages are decrypted, so "
        "their clients see the proxy's certificate; all else passes untouched, with the site's own.",
        _http(*http_questions.HTTPS_QUESTIONS),
    ),
    Act(
        "The page",
        "It says who blocks and where to complain, and it never repeats what was asked for.",
        page_questions.ask,
    ),
)
_FORMATS = Act(
    "Every list format",
    f"The lists in {'/'.join(SAMPLES.parts[-2:])}, as the authority serves them.",
    _formats,
)
_EVENTS = (
    Act("The world outside", "What is blocked never leaves the network.", traces.outside, EVENTS),
    Act(
        "The list changes",
        "The filter looks for changes every second. The name was asked before: what the resolver has cached "
        "of it must not outlive the new list.",
        changes.follow,
        EVENTS,
    ),
    Act(
        "The authority breaks",
        "Whatever it sends, the last good list stays in force, and cop-filter status says what is wrong.",
        failures.break_and_repair,
        FAULTS,
    ),
    Act(
        "Nobody is watched",
        "No name and no address that was asked for is written down, listed or not. Only counts are kept.",
        traces.inside,
        EVENTS,
    ),
)
ENDING = Act("The end", "One signal ends serve and all its roles.", ending.end, EVENTS)


def programme(stage: Stage) -> tuple[Act, ...]:
    """Everything but the ending. The samples belong to the repository: an installed package lacks them."""
    return (*_QUESTIONS, *([_FORMATS] if stage.samples else []), *_EVENTS)
