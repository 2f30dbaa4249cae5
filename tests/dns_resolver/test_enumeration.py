"""The resolver is no oracle: what one client network learns of confidential lists by asking."""

import logging
import random
from contextlib import ExitStack

import pytest
from dns_asking import query, read
from enumeration import Enumerator, client_at, over_tcp, over_udp, received
from generations import a_list
from listed_names import ListedNames
from loopback_upstream import zone

from cop_filter import oracle_sharing
from cop_filter.config import OracleConfig
from cop_filter.oracle import OracleBudget
from cop_filter.verdict import Answer, LegalBasis
from dns_resolver import listeners
from dns_resolver.tcp import TcpListener

BUDGET = 12
SPLASH = "192.0.2.80"
HOME, NEIGHBOUR = "127.0.1.7", "127.0.2.7"
LISTED = [f"bad{number:03}.example" for number in range(100)]
UNLISTED = [f"fine{number:03}.example" for number in range(100)]
CHOSEN = [f"game{number:03}.example" for number in range(100)]
ANSWERS = """
hotline.example. 300 A 192.0.2.9
www.good.example. 300 A 192.0.2.1
alias.good.example. 300 CNAME x.bad099.example.
"""


@pytest.fixture
def names(tmp_path):
    lists = (
        a_list(),
        a_list("order", legal_basis=LegalBasis.ORDER, answer=Answer.NXDOMAIN),
        a_list("chosen", legal_basis=LegalBasis.SUBSCRIBER),
    )
    names = ListedNames(tmp_path / "state", *lists)
    paged = [f"https://paged{number:03}.example/page" for number in range(100)]
    names.publish(national=LISTED[:50] + paged, order=LISTED[50:], chosen=CHOSEN)
    return names


@pytest.fixture
def engine(names):
    return names.engine


@pytest.fixture
def oracle(events):
    # A window so long that none ends within a test.
    return OracleBudget(OracleConfig(BUDGET, 1e9), events.dns)


@pytest.fixture
async def upstream(start_upstream):
    return await start_upstream(zone(ANSWERS))


@pytest.fixture
async def at(listen):
    """Ask over UDP from an address: `at(HOME)(packet)`."""
    listener, address = listen("127.0.0.1")
    with ExitStack() as opened:

        def at(host):
            sock = opened.enter_context(client_at(host))
            return lambda packet: over_udp(sock, packet, address)

        at.listener, at.address = listener, address
        yield at


async def tell_all(ask, names=LISTED[:BUDGET]):
    """Spend a budget."""
    for name in names:
        await ask(query(name))


def is_plain_refusal(packet):
    answer = read(packet)
    return (answer.rcode, answer.records, answer.soa_ttls, answer.ede) == (5, [], [], [])


async def test_an_enumerator_with_the_whole_list_learns_at_most_the_budget(at):
    dictionary = LISTED + UNLISTED
    random.Random(20141).shuffle(dictionary)
    asking = Enumerator(at(HOME))
    for name in dictionary:
        await asking.ask(name)
    assert len(asking.learned) == BUDGET
    assert asking.learned <= set(LISTED)
    assert asking.refused > 150


async def test_bpjm_2014_hosts_with_listed_pages_are_not_told_without_end_either(at):
    asking = Enumerator(at(HOME))
    for number in range(100):
        await asking.ask(f"paged{number:03}.example")
    assert len(asking.learned) == BUDGET


async def test_acma_2009_a_dictionary_asked_over_tcp_and_udp_in_turn_is_one_dictionary(at, resolver, events):
    pair = listeners.bind(at.address._replace(port=0), reuse_port=False)
    tcp = TcpListener(pair.tcp, resolver, events)
    await tcp.start()
    ask_udp, turn = at("127.0.0.1"), 0

    async def ask(packet):
        nonlocal turn
        turn += 1
        if turn // 2 % 2:  # a name and its control take the same way
            return await over_tcp(packet, pair.address)
        return await ask_udp(packet)

    asking = Enumerator(ask)
    try:
        for name in LISTED:
            await asking.ask(name)
    finally:
        await tcp.stop(1.0)
        pair.close()
    assert len(asking.learned) == BUDGET


async def test_endless_subdomains_of_one_listed_domain_teach_one_entry(at):
    ask = at(HOME)
    for number in range(5 * BUDGET):
        assert read(await ask(query(f"n{number}.bad000.example"))).data == [SPLASH]


async def test_aliases_that_somebody_points_at_listed_names_are_counted_by_what_they_lead_to(at, upstream):
    aliases = [f"alias{number:03}.good.example" for number in range(100)]
    upstream.answer = zone(
        "".join(f"{alias}. 300 CNAME x.{name}.\n" for alias, name in zip(aliases, LISTED, strict=True))
    )
    asking = Enumerator(at(HOME))
    for alias in aliases:
        await asking.ask(alias)
    assert len(asking.learned) == BUDGET


async def test_past_the_budget_a_cached_answer_is_refused_like_a_listed_name(at):
    ask = at(HOME)
    assert read(await ask(query("www.good.example"))).data == ["192.0.2.1"]
    await tell_all(ask)
    for name in ("www.good.example", *LISTED[:3], LISTED[99], CHOSEN[0], "nowhere.example"):
        for qtype in ("A", "AAAA", "HTTPS", "TXT"):
            assert is_plain_refusal(await ask(query(name, qtype, edns=True)))


async def test_past_the_budget_helplines_and_locally_answered_names_are_still_answered(at):
    ask = at(HOME)
    await tell_all(ask)
    for _ in range(2):
        assert read(await ask(query("hotline.example"))).data == ["192.0.2.9"]
        assert read(await ask(query("use-application-dns.net"))).rcode == 3
    assert is_plain_refusal(await ask(query("x.hotline.example")))  # protected is the host


async def test_past_the_budget_no_upstream_hears_of_a_question(at, upstream):
    ask = at(HOME)
    await tell_all(ask)
    heard = len(upstream.asked)
    for name in UNLISTED[:20]:
        await ask(query(name))
    assert len(upstream.asked) == heard


async def test_an_answer_that_was_on_its_way_when_the_budget_was_spent_is_refused(listen, upstream):
    _, address = listen("127.0.0.1", patience_s=5.0)
    with client_at(HOME) as waiting, client_at(HOME) as asking:
        upstream.held.clear()
        waiting.sendto(query("www.good.example"), tuple(address))
        await upstream.received.wait()
        await tell_all(lambda packet: over_udp(asking, packet, address))
        upstream.held.set()
        assert is_plain_refusal(await received(waiting))


async def test_another_network_is_not_affected(at):
    await tell_all(at(HOME))
    ask = at(NEIGHBOUR)
    assert read(await ask(query("www.good.example"))).data == ["192.0.2.1"]
    assert read(await ask(query("bad000.example"))).data == [SPLASH]


async def test_everybody_of_a_network_shares_its_budget(at):
    await tell_all(at("127.0.1.7"), LISTED[: BUDGET // 2])
    await tell_all(at("127.0.1.8"), LISTED[BUDGET // 2 : BUDGET])
    assert is_plain_refusal(await at("127.0.1.9")(query("www.good.example")))


async def test_a_household_below_its_budget_sees_the_page_as_ever(at):
    ask = at(HOME)
    for _ in range(20):
        for name in LISTED[: BUDGET - 1]:
            assert read(await ask(query(name, edns=True))).data == [SPLASH]
        assert read(await ask(query("www.good.example"))).data == ["192.0.2.1"]


async def test_what_a_subscriber_chose_to_be_kept_from_is_no_secret(at):
    ask = at(HOME)
    for name in CHOSEN:
        assert read(await ask(query(name))).data == [SPLASH]
    assert read(await ask(query(LISTED[0]))).data == [SPLASH]


async def test_a_new_generation_forgets_no_budget(at, names):
    ask = at(HOME)
    await tell_all(ask, LISTED[: BUDGET - 1])
    names.publish(national=LISTED[:50], order=LISTED[50:])
    at.listener.install()
    assert read(await ask(query(LISTED[0]))).data == [SPLASH]
    await tell_all(ask, LISTED[BUDGET : BUDGET + 1])
    names.publish(national=[])
    at.listener.install()
    assert is_plain_refusal(await ask(query("www.good.example")))


async def test_workers_together_tell_exactly_the_budget_and_one_alone_no_less(events):
    config = OracleConfig(7, 60.0)
    told = oracle_sharing.share(config)
    workers = [OracleBudget(config, events.dns, native=told) for _ in range(3)]
    account = workers[0].account(HOME)
    assert all(workers[0].may_tell_entry(account, key) for key in range(6))
    assert not any(worker.is_spent(account) for worker in workers)
    learned = {
        key
        for key in range(100)
        if not workers[key % 3].is_spent(account) and workers[key % 3].may_tell_entry(account, key)
    }
    assert learned == set(range(7))


async def test_it_is_counted_and_said_once_in_a_window_of_nobody(at, counted, caplog):
    with caplog.at_level(logging.WARNING):
        for host in (HOME, NEIGHBOUR):
            ask = at(host)
            await tell_all(ask)
            for _ in range(5):
                await ask(query("www.good.example"))
            at.listener._collect()
    assert counted("dns_events", event="oracle_refused") == 10
    assert counted("dns_events", event="oracle_budget_spent") == 2
    assert len([record for record in caplog.records if "oracle" in record.getMessage()]) == 1
    assert "127.0." not in caplog.text
    assert "example" not in caplog.text
