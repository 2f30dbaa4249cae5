"""The OPT record and the error codes in it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns_resolver import edns


@pytest.mark.parametrize("rdata", [b"\0", b"\0\x0a\0", b"\0\x0a\0\x05abcd"])
def test_options_that_do_not_add_up_are_refused(rdata):
    with pytest.raises(ValueError, match="EDNS option"):
        edns.read(1232, 0, rdata)


@given(st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=40)), max_size=8))
def test_any_well_formed_options_are_read(options):
    rdata = b"".join(struct.pack("!HH", code, len(data)) + data for code, data in options)
    expected = tuple(int.from_bytes(data[:2]) for code, data in options if code == 15 and len(data) >= 2)
    assert edns.read(512, 0, rdata).ede == expected


def test_an_upstream_cannot_have_thousands_of_error_codes_kept_and_passed_on():
    rdata = struct.pack("!HHH", 15, 2, 22) * 5000
    assert edns.read(1232, 0, rdata).ede == (22,) * 8
