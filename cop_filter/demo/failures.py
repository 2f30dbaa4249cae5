"""The authority breaks, in every way: the last good list stays in force, and `status` says what is wrong."""

from cop_filter.demo import dns_questions, http_questions
from cop_filter.demo.authority import Failure
from cop_filter.demo.changes import WITHIN_S
from cop_filter.demo.lists import MISTAKEN_TEXT, NATIONAL, NATIONAL_TEXT
from cop_filter.demo.replies import REAL, HttpRequest, dns_words, http_words
from cop_filter.demo.rows import Row, compared
from cop_filter.demo.service import until
from cop_filter.demo.stage import Stage

_ID = "national"
_ADDED = "late.example"
_SAYS = {
    Failure.ERROR: "answered 500",
    Failure.EMPTY: "is empty",
    Failure.HTML: "is a web page",
    Failure.TRUNCATED: "was cut off",
    Failure.SHRUNK: "shrank",
    Failure.HANG: "fell silent",
}
"""Words that the reason must hold."""


async def break_and_repair(stage: Stage) -> list[Row]:
    """Every fault in turn, then the repair."""
    rows = []
    for failure, words in _SAYS.items():
        stage.authority.failures[NATIONAL] = failure
        rows += [await _named(stage, failure, words), await _held(stage)]
    rows.append(await _others(stage))
    stage.authority.publish(NATIONAL, MISTAKEN_TEXT.encode())
    stage.authority.failures.clear()
    rows += [
        await _named(stage, "lists what must never be blocked", "must never be blocked"),
        await _held(stage),
    ]
    rows.append(await _quarantined(stage))
    stage.authority.publish(NATIONAL, f"{NATIONAL_TEXT}{_ADDED}\n".encode())
    rows += await _repaired(stage)
    stage.authority.publish(NATIONAL, NATIONAL_TEXT.encode())
    return rows


async def _named(stage: Stage, failure: str, words: str) -> Row:
    said = ""

    async def says_so() -> bool:
        nonlocal said
        row = (await stage.service.status()).get(_ID, {})
        said = f"{row.get('state')}: {row.get('last_error')}"
        return words in said

    found = await until(says_so, within_s=WITHIN_S)
    asked = "cop-filter status"
    return Row(f"the server {failure}", asked, f"failing: … {words}", said, found is not None)


async def _held(stage: Stage) -> Row:
    dns, http = stage.clients
    name = dns_words(await dns.ask("bad.example"))
    page = http_words(await http.fetch(HttpRequest(http_questions.LISTED, proxy=stage.proxy)))
    good = dns_words(await dns.ask("good.example"))
    wanted = (dns_questions.PAGE, http_questions.PAGE, REAL)
    got = "holds" if (name, page, good) == wanted else f"{name}; {page}; {good}"
    return compared("... the last good list", f"{dns.name} and {http.name}", "holds", got)


async def _quarantined(stage: Stage) -> Row:
    said = (await stage.service.command("quarantine", "list")).out.decode()
    waiting = sum(_ID in line and "waiting" in line for line in said.splitlines())
    got = "waiting for people" if waiting else "nothing is quarantined"
    return compared("... the refused version", "cop-filter quarantine list", "waiting for people", got)


async def _others(stage: Stage) -> Row:
    states = {row["state"] for name, row in (await stage.service.status()).items() if name != _ID}
    return compared("the other lists", "cop-filter status", "ok", ", ".join(sorted(states)))


async def _repaired(stage: Stage) -> list[Row]:
    dns = stage.clients.dns

    async def follows() -> bool:
        return dns_words(await dns.ask(_ADDED)) == dns_questions.PAGE

    seconds = await until(follows, within_s=WITHIN_S)
    got = f"still not blocked after {WITHIN_S} s" if seconds is None else f"blocked after {seconds:.1f} s"
    code = (await stage.service.command("status")).code
    return [
        Row(
            "mended, with a new name",
            f"{dns.name} {_ADDED}",
            f"blocked within {WITHIN_S} s",
            got,
            seconds is not None,
        ),
        compared("all is well again", "cop-filter status", "exit code 0", f"exit code {code}"),
    ]
