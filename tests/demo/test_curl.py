import pytest

from cop_filter.demo.curl import arguments, read
from cop_filter.demo.programs import Finished
from cop_filter.demo.replies import UNTRUSTED, HttpReply, HttpRequest


def finished(out=b"", *, code=0, written="200 000 1.1", complaint=""):
    return Finished(code, out, f"{complaint}\n{written}\n")


def test_a_response_is_read_whole():
    out = b'HTTP/1.1 451 \r\nLink: <mailto:a@isp.example>; rel="blocked-by"\r\n\r\none\r\n\r\ntwo'
    reply = read(finished(out, written="451 200 1.1"))
    link = '<mailto:a@isp.example>; rel="blocked-by"'
    assert reply == HttpReply(451, {"link": link}, b"one\r\n\r\ntwo", "1.1", 200)


def test_interim_responses_are_skipped():
    out = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\nbody"
    assert read(finished(out)).headers == {"a": "b"}


def test_a_refused_tunnel_shows_the_answer_to_connect():
    reply = read(finished(code=56, written="000 451 1.1", complaint="curl: (56) CONNECT tunnel failed"))
    assert (reply.status, reply.connect_status) == (0, 451)


@pytest.mark.parametrize(
    ("ended", "trouble"),
    [
        (finished(code=60, written="000 200 0"), UNTRUSTED),
        (finished(code=7, written="000 000 0"), "connection refused"),
        (finished(code=99, written="000 000 0"), "curl ended with 99"),
        (Finished(None, b"", ""), "no answer in time"),
        (Finished(2, b"", "curl: option unknown"), "curl failed"),
    ],
)
def test_what_went_wrong_is_named(ended, trouble):
    assert read(ended).trouble == trouble


def test_the_url_is_asked_for_as_it_is_spelled_and_no_personal_settings_interfere():
    words = arguments(HttpRequest("http://site.example/x/../[1]"))
    assert words[0] == "-q"
    assert {"--path-as-is", "--globoff", "--noproxy"} <= set(words)
    assert words[-1] == "http://site.example/x/../[1]"
