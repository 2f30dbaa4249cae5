import pytest

from cop_filter.demo.dig import read
from cop_filter.demo.replies import DnsReply

HEADER = ";; ->>HEADER<<- opcode: QUERY, status: {status}, id: 4711\n;; flags: qr rd ra; QUERY: 1\n\n"
EDNS = ";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n{options}"
ANSWER = ";; ANSWER SECTION:\nbad.example.\t30\tIN\tA\t127.0.0.2\nbad.example. 30 IN AAAA ::1\n\n;; Query\n"


def test_addresses_and_extended_errors_are_read():
    options = "; EDE: 15 (Blocked)\n; EDE: 4 (Forged Answer): (see page)\n"
    text = HEADER.format(status="NOERROR") + EDNS.format(options=options) + ANSWER
    assert read(text) == DnsReply("NOERROR", ("127.0.0.2", "::1"), (4, 15))


def test_an_older_dig_shows_extended_errors_as_bytes():
    options = '; OPT=15: 00 10 ("..")\n'
    assert read(HEADER.format(status="NXDOMAIN") + EDNS.format(options=options)).ede == (16,)


def test_other_records_are_no_addresses():
    text = HEADER.format(status="NOERROR") + ";; ANSWER SECTION:\na.example. 60 IN CNAME b.example.\n\n"
    assert read(text) == DnsReply("NOERROR")


@pytest.mark.parametrize("text", ["", ";; communications error to 127.0.0.1#53: timed out\n"])
def test_silence_is_no_answer(text):
    assert read(text) == DnsReply("no answer")
