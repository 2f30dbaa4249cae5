"""Collections of a TAXII server: a real one (medallion), and one that lies."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fetching import Fetch
from hostile_authority import Authority, drip, endless, in_turn, listening, serve, status
from taxii_server import NAMES, TaxiiServer, indicator

from cop_filter.errors import FetchFailed, ListRefused
from cop_filter.sources import Fetched, NotModified, TryAgain


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TaxiiServer]:
    one = TaxiiServer(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def isp(tmp_path: Path) -> dict[str, object]:
    return {"retries": 0, "timeout_s": 20.0}


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password over a clear line, which the real thing refuses: this line is loopback."""
    monkeypatch.setattr("cop_filter.sources.https._prove", _in_clear)


def _in_clear(*_: object, **__: object) -> tuple[str, None]:
    return "Basic aXNwOnNlY3JldA==", None


@pytest.mark.usefixtures("allowed")
async def test_a_collection_of_a_real_server_is_read_page_by_page(
    server: TaxiiServer, get: Fetch, isp: dict[str, object]
) -> None:
    found = await get(server.url, **isp)
    assert isinstance(found, Fetched)
    assert sorted(found.raw[""].decode().split()) == sorted(f"=n{number}.example" for number in range(NAMES))
    again = await get(server.url, found.validators, held=found.digest, **isp)
    assert isinstance(again, NotModified)


@pytest.mark.usefixtures("allowed")
async def test_revoked_and_outdated_indicators_of_a_real_server_list_nothing(
    server: TaxiiServer, get: Fetch, isp: dict[str, object]
) -> None:
    server.hold(
        indicator(1),
        indicator(2, revoked=True, modified="2025-02-01T00:00:00.000Z"),
        indicator(3, valid_until="2025-03-01T00:00:00Z"),
        indicator(4, valid_from="2099-01-01T00:00:00Z"),
        indicator(5, pattern="[url:value = 'http://page.example/one']"),
    )
    found = await get(server.url, **isp)
    assert isinstance(found, Fetched)
    assert found.raw == {"": b"=n1.example\nhttp://page.example/one\n"}


async def test_a_server_that_does_not_know_us_is_refused_with_a_hint(
    server: TaxiiServer, get: Fetch, isp: dict[str, object]
) -> None:
    with pytest.raises(FetchFailed, match="401; check the list's credentials"):
        await get(server.url, **isp)


# ---------------------------------------------------------------- one that lies


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        yield one


def page(*objects: object, **more: object) -> bytes:
    return json.dumps({"objects": objects, **more}).encode()


ASKED = "/objects/"


@pytest.mark.parametrize(
    ("bodies", "said"),
    [
        ([b"[]"], "no TAXII 2.1 envelope"),
        ([b"{"], "no JSON"),
        ([page(more=True)], "not where"),
        ([page(indicator(1), more=True, next="a")], "larger than max_bytes"),
        ([page()], "lists nothing"),
        ([page("text")], "no JSON object"),
        ([b"<html>"], "web page"),
        ([page(indicator(1), more=True, next="a"), b" " * 5000], "larger than max_bytes|is empty"),
    ],
)  # fmt: skip
async def test_what_is_no_collection_is_refused(
    authority: Authority, get: Fetch, bodies: list[bytes], said: str
) -> None:
    authority.default = in_turn(*map(serve, bodies))
    with pytest.raises(ListRefused, match=said):
        await get(f"taxii+{authority.url}/api/collections/x/", retries=0, max_bytes=4000)


async def test_endless_pages_end_with_what_the_operator_allows(authority: Authority, get: Fetch) -> None:
    bodies = [page(*[indicator(1)] * 3, more=True, next=str(number)) for number in range(50)]
    authority.default = in_turn(*map(serve, bodies))
    with pytest.raises(FetchFailed, match="larger than max_bytes"):
        await get(f"taxii+{authority.url}/api/collections/x/", retries=0, max_bytes=5000)
    assert len(authority.requests) < 20


@pytest.mark.parametrize(
    ("behaviour", "error"), [(drip, TryAgain), (endless, FetchFailed), (status(503), TryAgain)]
)
async def test_a_server_that_never_ends_is_left(
    authority: Authority, get: Fetch, behaviour: object, error: type[Exception]
) -> None:
    authority.default = behaviour  # type: ignore[assignment]
    with pytest.raises(error):
        await get(f"taxii+{authority.url}/api/collections/x/", retries=0, timeout_s=0.5, max_bytes=10**7)
