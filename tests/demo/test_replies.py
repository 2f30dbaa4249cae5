import pytest

from cop_filter.demo.origin import MARK
from cop_filter.demo.replies import APPEALS, HOTLINE, OPERATOR, DnsReply, HttpReply, dns_words, http_words

LINK = {"link": '<https://isp.example/appeal>; rel="blocked-by"', "cache-control": "no-store"}
PAGE = f"{OPERATOR} {APPEALS} {HOTLINE}".encode()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (DnsReply("NOERROR", ("127.0.0.1",)), "real address"),
        (DnsReply("NOERROR", ("127.0.0.2",), (4, 15)), "page, EDE 4+15"),
        (DnsReply("NOERROR", ("192.0.2.1",)), "192.0.2.1"),
        (DnsReply("NOERROR", (), (15,)), "no data, EDE 15"),
        (DnsReply("NXDOMAIN", (), (16,)), "NXDOMAIN, EDE 16"),
        (DnsReply("no answer"), "no answer"),
    ],
)
def test_dns_answers_have_words(reply, words):
    assert dns_words(reply) == words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (HttpReply(451, LINK, PAGE), "451 page"),
        (HttpReply(451, LINK), "451 page"),  # the answer to HEAD
        (HttpReply(200, {}, MARK), "200 origin"),
        (HttpReply(200, {}, b"hello"), "200 from elsewhere"),
        (HttpReply(400), "400"),
        (HttpReply(connect_status=451), "451 to CONNECT"),
        (HttpReply(trouble="connection refused"), "connection refused"),
        (HttpReply(), "no answer"),
    ],
)
def test_http_answers_have_words(reply, words):
    assert http_words(reply) == words


@pytest.mark.parametrize(
    ("headers", "body", "fault"),
    [
        ({**LINK, "link": ""}, PAGE, "no Link to who blocks"),
        ({**LINK, "cache-control": ""}, PAGE, "it may be cached"),
        (LINK, b"blocked", f"it does not name {OPERATOR}"),
        (LINK, PAGE + b" site.example", "it shows what was asked for"),
    ],
)
def test_a_page_that_is_not_as_it_must_be_is_no_page(headers, body, fault):
    assert fault in http_words(HttpReply(451, headers, body), hidden=("site.example",))
