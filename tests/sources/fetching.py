"""What the tests of the sources say in short."""

from collections.abc import Awaitable, Callable

from cop_filter.config import ListConfig
from cop_filter.sources import Fetched, NotModified, Validators
from cop_filter.verdict import LegalBasis

Fetch = Callable[..., Awaitable[Fetched | NotModified]]
"""The `get` fixture: fetch(source, validators, **list settings)."""

NOTHING_KNOWN = Validators()


def list_config(source: str, **changes: object) -> ListConfig:
    settings: dict[str, object] = {"timeout_s": 5.0, "retries": 0, **changes}
    return ListConfig("national", source, "Example Hotline", "csam", LegalBasis.MEMBERSHIP, **settings)
