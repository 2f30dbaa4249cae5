"""Answers in an origin's place."""

import pytest
from mitmproxy.http import Headers, Request

from addons.responses import blocked, has_body, last_resort, refused
from cop_filter.config import OperatorConfig

OPERATOR = OperatorConfig("Example Net", "officer@isp.example", "https://isp.example/appeal", "tel:116111")


def request(method="GET", headers=(), version="HTTP/1.1"):
    made = Request.make(method, "http://q7x9.example/q7x9")
    made.headers = Headers(headers)
    made.http_version = version
    return made


ANSWERS = [lambda made: blocked(made, None, OPERATOR), refused, last_resort]


@pytest.mark.parametrize("answer", ANSWERS, ids=["blocked", "refused", "last-resort"])
def test_no_answer_is_stored_or_quotes_the_request(answer):
    response = answer(request())
    assert response.headers["Cache-Control"] == "no-store"
    assert int(response.headers["Content-Length"]) == len(response.raw_content) > 0
    assert b"q7x9" not in response.raw_content
    assert "q7x9" not in str(response.headers.fields)


@pytest.mark.parametrize("answer", ANSWERS, ids=["blocked", "refused", "last-resort"])
def test_head_gets_the_length_of_what_get_would(answer):
    response = answer(request("HEAD"))
    assert response.raw_content == b""
    assert response.headers["Content-Length"] == answer(request()).headers["Content-Length"]


@pytest.mark.parametrize(
    ("made", "closes"),
    [
        (request(), False),
        (request("CONNECT"), True),
        (request("POST", [(b"Content-Length", b"9")]), True),
        (request("POST", [(b"Content-Length", b"0")]), False),
        (request("POST", [(b"Transfer-Encoding", b"chunked")]), True),
        (request("POST", version="HTTP/2.0"), False),
    ],
    ids=["get", "connect", "upload", "empty", "chunked", "http2"],
)
def test_a_connection_ends_where_what_follows_is_not_a_request(made, closes):
    assert ("Connection" in blocked(made, None, OPERATOR).headers) is closes


def test_http2_need_not_announce_a_body():
    assert has_body(request(version="HTTP/2.0"))
    assert not has_body(request())


def test_an_unreadable_accept_language_still_gets_the_page():
    made = request(headers=[(b"Accept-Language", b"\xff\xfe,fr;q=0.1")])
    assert blocked(made, None, OPERATOR).headers["Content-Language"] in ("en", "fr")
