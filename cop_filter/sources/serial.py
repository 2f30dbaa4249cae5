"""Serial numbers of zones go round (RFC 1982). Pure."""

_HALF = 1 << 31
_ROUND = 1 << 32


def newer(one: int, than: int) -> bool:
    """Whether `one` comes after `than`; two that are exactly half a round apart come after nothing."""
    return 0 < (one - than) % _ROUND < _HALF
