"""Several upstreams: order, failover, health."""

import asyncio

import pytest

from cop_filter.config import Address
from dns_resolver.forwarder import Forwarder, NoUpstreamAnswers
from dns_resolver.message import Answer, Asked
from dns_resolver.upstream import Failure, UpstreamFailed

ASKED = Asked(b"\x03www\x04good\x07example\x00", 1)
FIRST, SECOND, THIRD = (Address(f"192.0.2.{n}", 53) for n in (1, 2, 3))


class Upstreams:
    """Answers by address: an Answer, or a Failure."""

    def __init__(self):
        self.by_address = {FIRST: Answer(0), SECOND: Answer(0), THIRD: Answer(0)}
        self.asked = []
        self.probed = asyncio.Event()
        self.probe_answers = False

    async def __call__(self, address, asked, *, timeout_s, payload_bytes):
        self.asked.append(address)
        answer = self.by_address[address]
        if asked != ASKED:
            self.probed.set()
            if self.probe_answers:
                return Answer(0)
        if isinstance(answer, Failure):
            raise UpstreamFailed(answer)
        return answer


@pytest.fixture
def upstreams():
    return Upstreams()


@pytest.fixture
def forwarder(upstreams, events):
    return Forwarder([FIRST, SECOND, THIRD], events, timeout_s=1, payload_bytes=1232, ask_one=upstreams)


async def test_the_first_upstream_is_asked_first(forwarder, upstreams):
    await forwarder.ask(ASKED)
    assert upstreams.asked == [FIRST]


@pytest.mark.parametrize("failure", list(Failure))
async def test_a_failing_upstream_is_passed_over(forwarder, upstreams, failure, counted):
    upstreams.by_address[FIRST] = failure
    assert (await forwarder.ask(ASKED)).rcode == 0
    assert upstreams.asked == [FIRST, SECOND]
    assert counted("upstream_queries", upstream="0", result=failure.value) == 1
    assert counted("upstream_queries", upstream="1", result="answered") == 1


@pytest.fixture
async def checked(forwarder, upstreams):
    """Wait for the next round of health checks."""
    watching = asyncio.ensure_future(forwarder.watch_health(interval_s=0.001))

    async def checked():
        upstreams.probed.clear()
        await asyncio.wait_for(upstreams.probed.wait(), 5)
        await asyncio.sleep(0)

    yield checked
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.UNREACHABLE])
async def test_after_two_silences_and_a_failed_check_it_is_asked_last(
    forwarder, upstreams, checked, registry, failure
):
    upstreams.by_address[FIRST] = failure
    await forwarder.ask(ASKED)
    await forwarder.ask(ASKED)
    assert forwarder.is_up(0)
    await checked()
    assert not forwarder.is_up(0)
    assert registry.get_sample_value("cop_filter_upstream_up", {"upstream": "0"}) == 0
    upstreams.asked.clear()
    await forwarder.ask(ASKED)
    assert upstreams.asked == [SECOND]


async def test_a_name_whose_servers_are_silent_takes_no_upstream_down(forwarder, upstreams, checked):
    upstreams.by_address[FIRST] = Failure.TIMEOUT
    upstreams.probe_answers = True
    for _ in range(2):
        await forwarder.ask(ASKED)
    await checked()
    assert forwarder.is_up(0)


@pytest.mark.parametrize("failure", [Failure.MALFORMED, Failure.NO_ROOM])
async def test_other_failures_say_nothing_about_health(forwarder, upstreams, failure):
    upstreams.by_address = dict.fromkeys(upstreams.by_address, failure)
    for _ in range(3):
        with pytest.raises(NoUpstreamAnswers):
            await forwarder.ask(ASKED)
    assert not forwarder._suspicion.is_set()


async def test_a_check_brings_an_upstream_back_without_a_clients_query(forwarder, upstreams, checked):
    upstreams.by_address[FIRST] = Failure.TIMEOUT
    for _ in range(2):
        await forwarder.ask(ASKED)
    await checked()
    assert not forwarder.is_up(0)
    upstreams.by_address[FIRST] = Answer(5)
    upstreams.asked.clear()
    await checked()
    assert set(upstreams.asked) == {FIRST}, "only those that are down are checked"
    assert forwarder.is_up(0)


async def test_when_all_are_down_all_are_still_tried(forwarder, upstreams):
    upstreams.by_address = dict.fromkeys(upstreams.by_address, Failure.TIMEOUT)
    for _ in range(3):
        with pytest.raises(NoUpstreamAnswers) as error:
            await forwarder.ask(ASKED)
    assert error.value.failures == (Failure.TIMEOUT,) * 3
    upstreams.by_address[THIRD] = Answer(0)
    assert (await forwarder.ask(ASKED)).rcode == 0


@pytest.mark.parametrize("rcode", [2, 4, 5])
async def test_an_error_response_is_given_only_when_nobody_answers_better(forwarder, upstreams, rcode):
    upstreams.by_address[FIRST] = Answer(rcode)
    assert (await forwarder.ask(ASKED)).rcode == 0
    upstreams.by_address = dict.fromkeys(upstreams.by_address, Answer(rcode))
    assert (await forwarder.ask(ASKED)).rcode == rcode
    assert forwarder.is_up(0), "an upstream that answers is up"


async def test_a_name_that_does_not_exist_is_an_answer(forwarder, upstreams):
    upstreams.by_address[FIRST] = Answer(3)
    assert (await forwarder.ask(ASKED)).rcode == 3
    assert upstreams.asked == [FIRST]


async def test_no_upstreams_at_all_is_an_error_and_not_a_crash(events):
    with pytest.raises(NoUpstreamAnswers):
        await Forwarder([], events, timeout_s=1, payload_bytes=1232).ask(ASKED)
