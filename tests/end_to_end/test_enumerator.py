"""Somebody whose dictionary holds the whole list asks every role of a running service: it learns little."""

import http.client
import random
import socket
from itertools import cycle

import pytest
from dnslib import DNSRecord
from whole_service import CLIENT, REAL, SPLASH, WholeService, ask, until

BUDGET = 10
BY_DNS, SAME_NETWORK = "127.88.1.5", "127.88.1.200"
BY_PAGE, BY_PROXY, BY_ALL, BY_ALL_IN_TURN = "127.88.2.5", "127.88.3.5", "127.88.4.5", "127.88.5.5"
HOUSEHOLD = "127.88.6.5"
LISTED = [f"bad{number:03}.example" for number in range(80)]
UNLISTED = [f"fine{number:03}.example" for number in range(80)]
LIMITS = f"""
[oracle]
budget = {BUDGET}
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = WholeService(tmp_path_factory.mktemp("service"), proxy=True, workers=2, extra_lists=LIMITS)
    service.publish(*LISTED)
    try:
        service.start()
        service.until_blocked(LISTED[0])
        until(lambda: answers_at(service.ports["proxy"]))
        until(lambda: answers_at(service.ports["splash"]))
        yield service
    finally:
        service.stop()
    log = service.log.read_text()
    assert "oracle.budget" in log
    for secret in ("127.88.", CLIENT, "bad0", "fine0"):
        assert secret not in log


def answers_at(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def dictionary():
    names = LISTED + UNLISTED
    random.Random(2014).shuffle(names)
    return names


def learned(told):
    """Names whose answers differ from what an unlisted name gets right before, on the same way.

    `told(control, name)` gives both answers.
    """
    found = set()
    for number, name in enumerate(dictionary()):
        control, answer = told(f"none{number:04}.example", name)
        if control != answer:
            found.add(name)
    return found


def over_udp(service, host):
    """Both answers from one worker: the kernel chooses it by the ports, which are new for each pair."""

    def told(*names):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.bind((host, 0))
            sock.connect(("127.0.0.1", service.ports["dns"]))
            said = []
            for name in names:
                sock.send(bytes(DNSRecord.question(name).pack()))
                answer = DNSRecord.parse(sock.recv(4096))
                said.append(
                    (answer.header.rcode, [str(record.rdata) for record in answer.rr], len(answer.ar))
                )
            return said

    return told


def over_http(port, host, method, target):
    """The status, the fields and the body for each name."""

    def told(*names):
        said = []
        for name in names:
            connection = http.client.HTTPConnection("127.0.0.1", port, 10, source_address=(host, 0))
            connection.request(method, target.format(name), headers={"Host": name})
            response = connection.getresponse()
            fields = sorted((key, value) for key, value in response.getheaders() if key != "Date")
            is_tunnel = (method, response.status) == ("CONNECT", 200)
            said.append((response.status, fields, b"" if is_tunnel else response.read()))
            connection.close()
        return said

    return told


def every_way(service, host):
    ports = service.ports
    return (
        over_udp(service, host),
        over_http(ports["proxy"], host, "CONNECT", "{}:443"),
        over_http(ports["splash"], host, "GET", "/"),
        over_http(ports["proxy"], host, "GET", "http://{}/"),
    )


def is_refused_on_every_way(service, host):
    by_dns, by_tunnel, by_page, by_request = (
        told("nothing.example", LISTED[0]) for told in every_way(service, host)
    )
    assert by_dns == [(5, [], 0), (5, [], 0)]
    assert by_page[0] == by_page[1]
    assert [(status, body) for status, _, body in by_tunnel + by_request] == [(403, b"")] * 4
    return True


def test_acma_2009_two_workers_of_the_resolver_together_teach_no_more_than_the_budget(service):
    found = learned(over_udp(service, BY_DNS))
    assert len(found) == BUDGET
    assert found <= set(LISTED)
    # Neither does another address of the same network, nor another role.
    assert not learned(over_udp(service, SAME_NETWORK))
    for _ in range(8):
        assert is_refused_on_every_way(service, BY_DNS)
    assert is_refused_on_every_way(service, SAME_NETWORK)


def test_a_household_beside_it_gets_its_answers_and_sees_the_page(service):
    for _ in range(8):
        assert ask(service.ports["dns"], LISTED[0]) == SPLASH
        assert ask(service.ports["dns"], "www.good.example") == REAL
        assert ask(service.ports["dns"], "www.good.example", tcp=True) == REAL


def test_a_network_that_is_told_of_less_than_the_budget_is_refused_by_no_worker(service):
    told = over_udp(service, HOUSEHOLD)
    for _ in range(8):
        # Each pair meets one worker, which by itself tells of more than its part would be.
        for name in LISTED[: BUDGET - 1]:
            assert [rcode for rcode, *_ in told("www.good.example", name)] == [0, 0]


def test_bpjm_2014_the_page_gives_no_more_reasons_than_the_budget(service):
    assert len(learned(over_http(service.ports["splash"], BY_PAGE, "GET", "/"))) == BUDGET
    assert is_refused_on_every_way(service, BY_PAGE)


def test_the_proxy_teaches_no_more_either(service):
    found = learned(over_http(service.ports["proxy"], BY_PROXY, "CONNECT", "{}:443"))
    assert len(found) == BUDGET
    assert found <= set(LISTED)
    assert is_refused_on_every_way(service, BY_PROXY)


def test_resolver_proxy_and_page_asked_for_each_name_together_teach_no_more_than_the_budget(service):
    ways = every_way(service, BY_ALL)
    found = learned(lambda *names: list(zip(*(told(*names) for told in ways), strict=True)))
    # An entry counts once, whoever tells of it.
    assert len(found) == BUDGET
    assert found <= set(LISTED)
    assert is_refused_on_every_way(service, BY_ALL)


def test_resolver_proxy_and_page_asked_in_turn_together_teach_no_more_than_the_budget(service):
    turns = cycle(every_way(service, BY_ALL_IN_TURN))

    def told(*names):
        return next(turns)(*names)

    assert len(learned(told)) == BUDGET
    assert is_refused_on_every_way(service, BY_ALL_IN_TURN)


def test_a_role_that_is_killed_comes_back_and_knows_what_it_told(service):
    learned(over_udp(service, BY_DNS))
    for role in ("dns_resolver", "addons", "splash"):
        service.kill(role)
    until(lambda: ask(service.ports["dns"], "www.good.example") == REAL)
    until(lambda: answers_at(service.ports["proxy"]))
    until(lambda: answers_at(service.ports["splash"]))
    assert is_refused_on_every_way(service, BY_DNS)
