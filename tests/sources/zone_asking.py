"""What the tests of zone transfers say in short."""

from collections.abc import Awaitable, Callable

from sample_lists import texts_of

from cop_filter import formats
from cop_filter.sources import Fetched, NotModified

NOW = 1_750_000_000.0
Ask = Callable[..., Awaitable[Fetched | NotModified]]
"""The `ask` fixture: ask(server, held, **list settings); `ask_signed` with the key."""


def listed(raw: dict[str, bytes] | bytes, as_: str = "rpz") -> list[str]:
    raw = raw if isinstance(raw, dict) else {"": raw}
    chunks = list(formats.parse(raw, format=as_))
    assert not [error for chunk in chunks for error in chunk.errors]
    return sorted(text for chunk in chunks for text in texts_of(chunk.entries))


def whole_of(answer: Fetched | NotModified) -> Fetched:
    assert isinstance(answer, Fetched)
    assert answer.base is None
    return answer


def change_of(answer: Fetched | NotModified, base: Fetched) -> Fetched:
    assert isinstance(answer, Fetched)
    assert answer.base == base.digest
    return answer
