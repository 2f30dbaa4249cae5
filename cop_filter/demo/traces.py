"""What is left of the questions: what the origin and the upstream saw, and what the filter wrote down."""

import asyncio
import re
from pathlib import Path

from cop_filter.canaries import CONTROL_HOST
from cop_filter.demo import dns_questions, http_questions
from cop_filter.demo.replies import REAL
from cop_filter.demo.rows import Row, compared
from cop_filter.demo.stage import Stage
from cop_filter.demo.upstream import ALIAS

_NOTHING = "none"


async def outside(stage: Stage) -> list[Row]:
    """Whether anything listed was asked of the world outside."""
    listed = {question.name.lower() for question in dns_questions.QUESTIONS if _stopped(question)}
    listed |= {question.name for question in dns_questions.sample_questions(stage.lists)}
    led_out = listed.intersection(stage.upstream.asked)
    everything = (
        *http_questions.HTTP_QUESTIONS,
        *http_questions.SPELLINGS,
        *http_questions.HTTPS_QUESTIONS,
        *http_questions.sample_questions(stage.lists),
    )
    allowed = {
        _target(question.request.url)
        for question in everything
        if question.expected.startswith(http_questions.ORIGIN)
    }
    # The self-test asks for a name that no list holds: it has to pass.
    seen = [(asked.host, asked.path) for asked in stage.origin.asked if asked.host != CONTROL_HOST]
    return [
        compared(
            "listed names looked up",
            f"upstream, {len(stage.upstream.asked)} queries",
            _NOTHING,
            str(len(led_out)) if led_out else _NOTHING,
        ),
        compared(
            "listed pages asked for",
            f"origin, {len(seen)} requests",
            _NOTHING,
            str(sum(each not in allowed for each in seen)) if set(seen) - allowed else _NOTHING,
        ),
    ]


def _stopped(question: dns_questions.DnsQuestion) -> bool:
    # The alias itself is not listed: only its answer tells where it leads.
    return question.expected != REAL and question.name != ALIAS


def _target(url: str) -> tuple[str, str]:
    host, slash, path = url.partition("//")[2].partition("/")
    return host, slash + path


async def inside(stage: Stage) -> list[Row]:
    """Whether a name that was asked for can be found in anything that the filter keeps or shows."""
    words = _asked_words(stage)
    files = await asyncio.to_thread(_contents, stage.state_dir)
    log = stage.service.log.read_bytes()
    metrics = await stage.metrics()
    places = [
        (f"state folder, {len(files)} entries", b"\n".join(files)),
        (f"log, {len(log.splitlines())} lines", log),
        (f"metrics, {len(metrics.splitlines())} lines", metrics),
    ]
    rows = [
        compared("what was asked for", place, _NOTHING, _found(words, content)) for place, content in places
    ]
    counted = [f"{_blocked(metrics, plane)} on {plane}" for plane in ("dns", "http")]
    nothing_counted = any(one.startswith("0 ") for one in counted)
    rows.append(
        Row(
            "blocks, only counted",
            "metrics, list national",
            "some on dns, on http",
            ", ".join(counted),
            not nothing_counted,
        )
    )
    return rows


def _asked_words(stage: Stage) -> list[bytes]:
    """Host names, listed and not, and the paths of listed pages; what the operator wrote is no secret."""
    hosts = {question.name for question in dns_questions.QUESTIONS}
    hosts |= {question.name for question in dns_questions.sample_questions(stage.lists)}
    hosts |= {_target(question.request.url)[0] for question in http_questions.HTTP_QUESTIONS}
    return [word.lower().encode() for word in (*sorted(hosts), "listed.html", "user/42")]


def _contents(folder: Path) -> list[bytes]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found += [str(path.relative_to(folder)).encode(), path.read_bytes()]
    return found


def _found(words: list[bytes], content: bytes) -> str:
    content = content.lower()
    count = sum(word in content for word in words)
    return str(count) if count else _NOTHING


def _blocked(metrics: bytes, plane: str) -> int:
    pattern = rf'^cop_filter_decisions_total\{{action="block",list="national",plane="{plane}"\}} (\d+)'
    match = re.search(pattern, metrics.decode(), re.MULTILINE)
    return int(match[1]) if match else 0
