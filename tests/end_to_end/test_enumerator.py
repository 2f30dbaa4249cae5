"""Somebody whose dictionary holds the whole list asks every role of a running service: it learns little."""

import http.client
import random
import socket

import pytest
from dnslib import DNSRecord
from whole_service import CLIENT, REAL, SPLASH, WholeService, ask, until

BUDGET = 10
ENUMERATOR, OTHER_ADDRESS = "127.88.1.5", "127.88.1.200"
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


def over_http(port, method, target):
    """The status, the fields and the body for each name."""

    def told(*names):
        said = []
        for name in names:
            connection = http.client.HTTPConnection("127.0.0.1", port, 10, source_address=(ENUMERATOR, 0))
            connection.request(method, target.format(name), headers={"Host": name})
            response = connection.getresponse()
            fields = sorted((key, value) for key, value in response.getheaders() if key != "Date")
            is_tunnel = (method, response.status) == ("CONNECT", 200)
            said.append((response.status, fields, b"" if is_tunnel else response.read()))
            connection.close()
        return said

    return told


def test_acma_2009_two_workers_of_the_resolver_together_teach_no_more_than_the_budget(service):
    found = learned(over_udp(service, ENUMERATOR))
    assert 0 < len(found) <= BUDGET
    assert found <= set(LISTED)
    # Neither does another address of the same network, nor the other transport.
    assert not learned(over_udp(service, OTHER_ADDRESS))
    for _ in range(8):
        assert over_udp(service, ENUMERATOR)("nothing.example", LISTED[0]) == [(5, [], 0), (5, [], 0)]


def test_a_household_beside_it_gets_its_answers_and_sees_the_page(service):
    for _ in range(8):
        assert ask(service.ports["dns"], LISTED[0]) == SPLASH
        assert ask(service.ports["dns"], "www.good.example") == REAL
        assert ask(service.ports["dns"], "www.good.example", tcp=True) == REAL


def test_bpjm_2014_the_page_gives_no_more_reasons_than_the_budget(service):
    assert len(learned(over_http(service.ports["splash"], "GET", "/"))) == BUDGET


def test_the_proxy_teaches_no_more_either(service):
    found = learned(over_http(service.ports["proxy"], "CONNECT", "{}:443"))
    assert len(found) == BUDGET
    assert found <= set(LISTED)
    for method, target in (("CONNECT", "{}:443"), ("GET", "http://{}/")):
        asked = over_http(service.ports["proxy"], method, target)
        for status, _, body in asked("nothing.example", LISTED[0]):
            assert (status, body) == (403, b"")
