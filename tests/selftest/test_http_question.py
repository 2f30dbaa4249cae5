"""What a proxy's answer says: blocked, or not."""

import pytest
from loopback_listeners import proxy

from cop_filter.canaries import Question
from cop_filter.selftest.dns_question import Said
from cop_filter.selftest.http_question import ask
from cop_filter.selftest.ways import Way
from cop_filter.verdict import Plane

PAGE = Question("h.example", "http://h.example/p?q=1")
HOST = Question("h.example", None)


@pytest.mark.parametrize(
    ("plane", "question", "line"),
    [
        (Plane.HTTP, PAGE, "GET http://h.example/p?q=1 HTTP/1.1"),
        (Plane.HTTP, HOST, "GET http://h.example/ HTTP/1.1"),
        (Plane.TLS, HOST, "CONNECT h.example:443 HTTP/1.1"),
    ],
)
async def test_451_to_the_very_question_is_a_block(plane: Plane, question: Question, line: str) -> None:
    async with proxy(lambda asked: 451 if asked == line else 200) as there:
        assert await ask(Way("127.0.0.1", there), plane, question) is Said.BLOCKED


@pytest.mark.parametrize("status", [200, 302, 404, 502])
async def test_any_other_status_is_none(status: int) -> None:
    async with proxy(lambda _: status) as there:
        assert await ask(Way("127.0.0.1", there), Plane.HTTP, HOST) is Said.PASSED


async def test_a_client_that_is_refused_has_learnt_nothing() -> None:
    async with proxy(lambda _: 403) as there:
        assert await ask(Way("127.0.0.1", there), Plane.HTTP, HOST) is Said.NOTHING


@pytest.mark.parametrize(
    "words", ["", "garbage\r\n", "HTTP/1.1\r\n", "SSH-2.0 451 x\r\n", "HTTP/1.1 x y\r\n", "a" * 20_000]
)
async def test_what_is_no_answer_is_neither(words: str) -> None:
    async with proxy(lambda _: words) as there:
        assert await ask(Way("127.0.0.1", there), Plane.HTTP, HOST) is Said.NOTHING
    assert await ask(Way("127.0.0.1", there), Plane.HTTP, HOST) is Said.NOTHING
