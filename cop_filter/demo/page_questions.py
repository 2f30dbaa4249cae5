"""What people see who follow a blocked name: the page, at the address that DNS gave."""

from cop_filter.demo.dns_questions import PAGE as PAGE_ANSWER
from cop_filter.demo.replies import PAGE_ADDRESS, HttpRequest, dns_words, http_words
from cop_filter.demo.rows import Row, compared
from cop_filter.demo.stage import Stage

_NAME = "bad.example"


async def ask(stage: Stage) -> list[Row]:
    """Follow DNS to the page, in two languages."""
    client = stage.clients.http
    answer = dns_words(await stage.clients.dns.ask(_NAME))
    rows = [compared("a browser asks DNS", f"{stage.clients.dns.name} {_NAME}", PAGE_ANSWER, answer)]
    for about, method, language, word in (
        ("... and goes there", "GET", "en", "This page is blocked"),
        ("... in French", "GET", "fr", "Cette page est bloquée"),
        ("... with an upload", "POST", "en", "This page is blocked"),
    ):
        request = HttpRequest(
            f"http://{_NAME}/some/page?q=1",
            method,
            {"Accept-Language": language},
            body=b"x" if method == "POST" else None,
            server=stage.page,
        )
        reply = await client.fetch(request)
        got = http_words(reply, hidden=(_NAME, "some/page"))
        if word not in reply.body.decode(errors="replace"):
            got += f", without “{word}”"
        shown = f"-X {method} " if method != "GET" else f"-H Accept-Language:{language} "
        rows.append(compared(about, f"{client.name} {shown}{_NAME}/some/page", "451 page", got))
    health = await client.fetch(HttpRequest(f"http://{stage.page}/healthz"))
    asked = f"{client.name} {PAGE_ADDRESS}/healthz"
    rows.append(compared("for monitoring", asked, "200", str(health.status)))
    return rows
