"""An upstream's response, read strictly; the reader is native, for the fast path reads them too.

Only what decides is read: owners, alias targets, lifetimes, the SOA, OPT. The additional section
is dropped: nobody needs it, and it would be a back door for a listed host's address.
"""

from cop_filter import _native
from cop_filter._native import MalformedError, MismatchError
from dns_resolver.message import Answer, Asked

__all__ = ["MalformedError", "MismatchError", "read_answer"]


def read_answer(packet: bytes, asked: Asked, id_: int) -> Answer:
    """Read the response to `asked` sent under `id_`. Raises MismatchError or MalformedError."""
    return _native.read_answer(packet, asked.question, id_)
