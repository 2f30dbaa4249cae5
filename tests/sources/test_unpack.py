"""Unpacking hostile bytes: bounded, and never half a list."""

import contextlib
import gzip
import random
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.errors import FetchFailed
from cop_filter.sources.unpack import packing, unpack

PACKERS = {"gzip": gzip.compress, "zstd": zstandard.compress}
names = pytest.mark.parametrize("name", PACKERS)


@names
@given(content=st.binary(max_size=5000))
def test_what_was_packed_comes_back(name: str, content: bytes) -> None:
    packed = PACKERS[name](content)
    assert packing(packed) == name
    assert unpack(packed, name, 5000) == content


@names
def test_several_streams_in_one_file_are_one_list(name: str) -> None:
    packed = PACKERS[name](b"one.example\n") + PACKERS[name](b"two.example\n" * 1000)
    assert unpack(packed, name, 100_000) == b"one.example\n" + b"two.example\n" * 1000


@names
def test_every_cut_is_noticed(name: str) -> None:
    packed = PACKERS[name](b"one.example\ntwo.example\n" * 20)
    for length in range(4, len(packed)):
        with pytest.raises(FetchFailed, match=r"cut off|damaged"):
            unpack(packed[:length], name, 100_000)


@names
def test_damage_is_noticed(name: str) -> None:
    content = random.Random(3).randbytes(4000)
    packer = zstandard.ZstdCompressor(write_checksum=True).compress if name == "zstd" else gzip.compress
    packed = bytearray(packer(content))
    packed[2000] ^= 1
    with pytest.raises(FetchFailed, match="damaged"):
        unpack(bytes(packed), name, 100_000)


@names
def test_surplus_behind_the_data_is_refused(name: str) -> None:
    with pytest.raises(FetchFailed, match=r"damaged|cut off"):
        unpack(PACKERS[name](b"one.example\n") + b"surplus", name, 100_000)


@names
def test_a_bomb_is_stopped_before_it_fills_the_memory(name: str) -> None:
    bomb = PACKERS[name](bytes(256 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(FetchFailed, match=r"max_unpacked_bytes \(1000\)"):
            unpack(bomb, name, 1000)
        assert tracemalloc.get_traced_memory()[1] < 80 * 2**20
    finally:
        tracemalloc.stop()


@names
def test_a_swarm_of_tiny_streams_is_refused(name: str) -> None:
    with pytest.raises(FetchFailed, match="too many streams"):
        unpack(PACKERS[name](b"") * 70_000, name, 100_000)


def test_a_zstd_window_that_would_take_all_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=30, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(b"one.example\n") + packer.flush()
    with pytest.raises(FetchFailed, match="damaged"):
        unpack(packed, "zstd", 100_000)


@names
@given(garbage=st.binary(max_size=300))
def test_garbage_raises_nothing_else(name: str, garbage: bytes) -> None:
    magic = PACKERS[name](b"")[:4]
    with contextlib.suppress(FetchFailed):
        unpack(magic + garbage, name, 10_000)
