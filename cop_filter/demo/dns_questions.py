"""What is asked of the resolver, and what it must answer."""

from typing import NamedTuple

from cop_filter.demo.lists import FORMATS, Published
from cop_filter.demo.replies import REAL, DnsClient, dns_words
from cop_filter.demo.rows import Row, compared
from cop_filter.demo.upstream import ALIAS

PAGE = "page, EDE 4+15"
NO_DATA = "no data, EDE 15"


class DnsQuestion(NamedTuple):
    """One query; `about` in plain words."""

    about: str
    expected: str
    name: str
    qtype: str = "A"
    tcp: bool = False


QUESTIONS = (
    DnsQuestion("a listed domain", PAGE, "bad.example"),
    DnsQuestion("the same over TCP", PAGE, "bad.example", tcp=True),
    DnsQuestion("its subdomains", PAGE, "deep.www.bad.example"),
    DnsQuestion("in mixed case", PAGE, "BaD.eXaMPLe"),
    DnsQuestion("an alias (CNAME) of it", PAGE, ALIAS),
    DnsQuestion("its IPv6 address", NO_DATA, "bad.example", "AAAA"),
    DnsQuestion("its HTTPS records", NO_DATA, "bad.example", "HTTPS"),
    DnsQuestion("any of its records", NO_DATA, "bad.example", "ANY"),
    DnsQuestion("a name that ends alike", REAL, "notbad.example"),
    DnsQuestion("schädlich.example", PAGE, "xn--schdlich-2za.example"),
    DnsQuestion("subdomains only listed", PAGE, "any.below.example"),
    DnsQuestion("... so not this", REAL, "below.example"),
    DnsQuestion("only this host listed", PAGE, "only.hosts.example"),
    DnsQuestion("... so not below it", REAL, "www.only.hosts.example"),
    DnsQuestion("only its pages listed", REAL, "site.example"),
    DnsQuestion("by court order", "NXDOMAIN, EDE 16", "court.example"),
    DnsQuestion("the subscriber's wish", "REFUSED, EDE 17", "games.example"),
    DnsQuestion("on a dry-run list", REAL, "trial.example"),
    DnsQuestion("the list's own server", REAL, "lists.authority.example"),
    DnsQuestion("not listed", REAL, "good.example"),
    DnsQuestion("not listed, over TCP", REAL, "good.example", tcp=True),
)


def sample_questions(samples: tuple[Published, ...]) -> tuple[DnsQuestion, ...]:
    """One listed name of each sample list; the names are alike in all of them."""
    ids = {published.id for published in samples}
    return tuple(
        DnsQuestion(f"{name}: a listed name", PAGE, f"dedicated.{name}.example")
        for name in FORMATS
        if f"sample-{name}" in ids
    )


async def ask(client: DnsClient, question: DnsQuestion) -> Row:
    """Put one question, and compare."""
    reply = await client.ask(question.name, question.qtype, tcp=question.tcp)
    words = [client.name, *(["+tcp"] if question.tcp else []), question.name]
    asked = " ".join([*words, *([question.qtype] if question.qtype != "A" else [])])
    return compared(question.about, asked, question.expected, dns_words(reply))
