"""What tunnels carry, however their bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.sniff import Protocol, sniff


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Protocol.UNDECIDED),
        (b"G", Protocol.UNDECIDED),
        (b"GET", Protocol.UNDECIDED),
        (b"GET ", Protocol.HTTP),
        (b"GET\t/", Protocol.HTTP),
        (b"get / HTTP/1.1\r\n", Protocol.HTTP),
        (b"\r\n", Protocol.UNDECIDED),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", Protocol.HTTP),
        (b" GET / HTTP/1.1\r\n", Protocol.HTTP),
        (b"M-SEARCH * HTTP/1.1\r\n", Protocol.HTTP),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol.HTTP),
        (b"\r\n" * 5000, Protocol.HTTP),
        (b"\x16", Protocol.UNDECIDED),
        (b"\x16\x03", Protocol.UNDECIDED),
        (b"\x16\x03\x01", Protocol.TLS),
        (b"\x16\x03\x04", Protocol.TLS),
        (b"\x16\x04\x01", Protocol.OTHER),
        (b"SSH-2.0-client\r\n", Protocol.OTHER),
        (b"SSH", Protocol.UNDECIDED),
        (b"A" * 25, Protocol.OTHER),
        (b"\x00\x01", Protocol.OTHER),
        (b"\x80\x2e\x01\x03\x01", Protocol.OTHER),
    ],
)
def test_the_first_bytes_tell_the_protocol(data, expected):
    assert sniff(data) is expected


@given(
    blanks=st.text(" \t\r\n", max_size=8),
    method=st.sampled_from(["GET", "POST", "HEAD", "propfind"]),
    cut=st.integers(0, 200),
)
def test_split_request_attack_no_cut_of_a_request_is_taken_for_another_protocol(blanks, method, cut):
    request = f"{blanks}{method} /bad.html HTTP/1.1\r\nHost: pages.example\r\n\r\n".encode()
    assert sniff(request[:cut]) in (Protocol.UNDECIDED, Protocol.HTTP)
    assert sniff(request) is Protocol.HTTP


@given(rest=st.binary(max_size=50), cut=st.integers(0, 60))
def test_split_handshake_attack_no_cut_of_a_handshake_is_taken_for_another_protocol(rest, cut):
    record = b"\x16\x03\x01" + rest
    assert sniff(record[:cut]) in (Protocol.UNDECIDED, Protocol.TLS)


@given(st.binary(max_size=64))
def test_once_decided_more_bytes_change_nothing(data):
    decided = [sniff(data[:end]) for end in range(len(data) + 1)]
    settled = [each for each in decided if each is not Protocol.UNDECIDED]
    assert len(set(settled)) <= 1
