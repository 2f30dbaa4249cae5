"""Memory that a refresh took goes back to the system: a list takes many times as much as all the rest."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_LARGE_BYTES = 1 << 19


def keep_large_apart() -> None:
    """Have every large allocation mapped for itself, so that it goes back to the system when it is freed.

    Left alone, glibc raises what it calls large up to 32 MiB with the first list that is freed, and later
    lists leave holes. Other C libraries decide for themselves.
    """
    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Python looks for cycles whenever many tuples were made; a list is a million of them, and has none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def give_back() -> None:
    """Return what is free to the system, as far as the C library can."""
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
