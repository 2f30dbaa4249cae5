"""Undoes gzip and zstd without trusting the sender: bounded output, whole streams only. No I/O.

The decoders are fed small pieces, because the bound can only be checked between two of them. One
piece of 1 KiB cannot become more than 1 MiB in gzip (1032:1) or 32 MiB in zstd (a block of 128 KiB
takes at least four bytes), so that is how far a bomb gets past the limit.
"""

import io
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from cop_filter.errors import FetchFailed

_PIECE = 1024
_MAX_STREAMS = 65_536
"""Streams one after another in one file, as block-wise packers write them; each costs a set-up."""

_ZSTD_WINDOW = 1 << 27
_MAGIC = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _gzip_stream() -> _Stream:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _zstd_stream() -> _Stream:
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


_STREAMS: dict[str, Callable[[], _Stream]] = {"gzip": _gzip_stream, "zstd": _zstd_stream}


def packing(body: bytes) -> str | None:
    """Which packing the first bytes announce: "gzip", "zstd" or None."""
    return next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)


def unpack(body: bytes, name: str, max_bytes: int) -> bytes:
    """The content of a gzip (RFC 1952) or zstd (RFC 8878) body.

    Raises FetchFailed when it is damaged, cut off, or longer than `max_bytes` once unpacked.
    """
    try:
        return _decode(body, _STREAMS[name], name, max_bytes)
    except (zlib.error, zstandard.ZstdError, MemoryError):
        # The libraries' texts may quote sizes and offsets of hostile input; ours says enough.
        raise FetchFailed(f"the {name} data is damaged") from None


def _decode(body: bytes, new_stream: Callable[[], _Stream], name: str, max_bytes: int) -> bytes:
    out = io.BytesIO()
    stream, streams = new_stream(), 1
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        while piece:
            if stream.eof:
                stream, streams = new_stream(), streams + 1
                if streams > _MAX_STREAMS:
                    raise FetchFailed(f"the {name} data consists of too many streams")
            out.write(stream.decompress(piece))
            if out.tell() > max_bytes:
                raise FetchFailed(f"unpacks to more than max_unpacked_bytes ({max_bytes})")
            piece = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise FetchFailed(f"the {name} data is cut off")
    # getvalue() hands over the buffer itself when nobody else holds it; b"".join() would copy.
    return out.getvalue()
