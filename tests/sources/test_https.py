"""A broken or hostile server can cost a refresh; it can never pass for a list."""

import gzip
from hashlib import sha256
from pathlib import Path
from random import Random

import aiohttp
import pytest
import zstandard
from fetching import NOTHING_KNOWN, Fetch, list_config
from hostile_authority import (
    Authority,
    Behaviour,
    cut_off,
    drip,
    endless,
    hang,
    head,
    in_turn,
    raw,
    serve,
    stall,
    status,
    unless_modified,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop_filter.errors import FetchFailed
from cop_filter.sources import Fetched, NotModified, TryAgain, Validators, fetch

LIST = b"one.example\nhttp://two.example/page\n"
CHUNKED = head(Transfer_Encoding="chunked")


async def fetched(get: Fetch, authority: Authority, **settings: object) -> Fetched:
    answer = await get(f"{authority.url}/list.txt?key=s3cret", **settings)
    assert isinstance(answer, Fetched)
    return answer


async def test_a_list_arrives_whole_with_its_digest(get: Fetch, authority: Authority) -> None:
    authority.default = serve(LIST)
    answer = await fetched(get, authority)
    assert answer.raw == {"": LIST}
    assert answer.digest == sha256(LIST).hexdigest()
    assert answer.validators == Validators()


@pytest.mark.parametrize("coding", ["identity", "chunked, identity"])
async def test_a_coding_that_does_not_tell_the_end_is_no_proof_of_it(
    get: Fetch, authority: Authority, coding: str
) -> None:
    authority.default = raw(head(Transfer_Encoding=coding), b"one.example\ntwo.exam")
    with pytest.raises(FetchFailed):
        await get(f"{authority.url}/list.txt")


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 12\r\nContent-Length: 4\r\n",
        b"Content-Length: 12\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: +12\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\nContent-Encoding: zstd\r\nContent-Length: 12\r\n",
    ],
)
async def test_contradictory_headers_are_refused_in_words_without_an_address(
    get: Fetch, authority: Authority, headers: bytes
) -> None:
    authority.default = raw(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n", b"one.example\n")
    with pytest.raises(FetchFailed) as refusal:
        await get(f"{authority.url}/list.txt")
    assert "example" not in str(refusal.value)
    assert "127.0.0.1" not in str(refusal.value)


async def test_a_chunked_list_arrives_whole(get: Fetch, authority: Authority) -> None:
    authority.default = raw(CHUNKED, b"c\r\none.example\n\r\n", b"0\r\n\r\n")
    assert (await fetched(get, authority)).raw == {"": b"one.example\n"}


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("told", [True, False], ids=["as Content-Encoding", "as a packed file"])
async def test_a_packed_list_is_the_same_list(get: Fetch, authority: Authority, pack, told: bool) -> None:
    coding = {"Content_Encoding": "gzip" if pack is gzip.compress else "zstd"} if told else {}
    authority.default = serve(pack(LIST), **coding)
    packed = await fetched(get, authority)
    authority.default = serve(LIST)
    assert packed == await fetched(get, authority)


async def test_validators_are_kept_and_sent_back(get: Fetch, authority: Authority) -> None:
    authority.default = unless_modified(LIST, '"v1"')
    first = await fetched(get, authority)
    assert first.validators == Validators('"v1"', "Tue, 01 Jul 2025 00:00:00 GMT")
    for known in (first.validators, Validators(last_modified=first.validators.last_modified)):
        assert await get(f"{authority.url}/list.txt", known) == NotModified()


async def test_304_to_an_unconditional_request_is_refused(get: Fetch, authority: Authority) -> None:
    authority.default = status(304)
    with pytest.raises(FetchFailed, match="answered 304"):
        await fetched(get, authority)


@pytest.mark.parametrize("etag", ["x" * 5000, "\xe4\xff", 'a"\tb'])
async def test_an_etag_that_could_not_be_sent_back_is_forgotten(
    get: Fetch, authority: Authority, etag: str
) -> None:
    authority.default = serve(LIST, ETag=etag)
    assert (await fetched(get, authority)).validators == Validators()


REFUSED: dict[str, tuple[Behaviour, str]] = {
    "not found": (status(404), "answered 404"),
    "no credentials": (status(401), "answered 401; check the list's credentials"),
    "no content": (status(204), "answered 204"),
    "partial content": (status(206, LIST), "answered 206"),
    "empty": (serve(b""), "empty"),
    "blank": (serve(b" \r\n\t\n"), "empty"),
    "html by type": (serve(LIST, Content_Type="text/html; charset=utf-8"), "web page"),
    "html by look": (serve(b"\xef\xbb\xbf\r\n <!DOCTYPE html><p>Log in</p>"), "web page"),
    "html packed": (serve(gzip.compress(b"<html></html>"), Content_Encoding="gzip"), "web page"),
    "unknown coding": (serve(LIST, Content_Encoding="br"), "not asked for"),
    "coding upon coding": (serve(LIST, Content_Encoding="gzip, gzip"), "not asked for"),
    "not what the coding says": (serve(LIST, Content_Encoding="gzip"), "damaged"),
    "packed data cut off": (serve(gzip.compress(LIST)[:-9], Content_Encoding="gzip"), "cut off"),
    "length promised beyond the limit": (raw(head(Content_Length=10**15)), "larger than max_bytes"),
    "endless": (endless, "larger than max_bytes"),
    "no length, last line open": (raw(head(), b"http://host.example.invalid"), "may be cut off"),
    "not HTTP": (raw(b"220 mail.example ESMTP\r\n\r\n"), "not valid HTTP"),
    "two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\n"), "not valid"),
    "endless header": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"), "not valid HTTP"),
}
MAY_PASS: dict[str, tuple[Behaviour, str]] = {
    "server error": (status(500, LIST), "answered 500"),
    "busy": (status(429), "answered 429"),
    "shorter than promised": (cut_off(LIST), "cut off"),
    "chunks end early": (raw(CHUNKED, b"c\r\none.example\n\r\n"), "cut off"),
    "chunk ends early": (raw(CHUNKED, b"ff\r\none.example\n"), "cut off"),
    "no answer": (raw(b""), "without an answer"),
}
SLOW: dict[str, tuple[Behaviour, str]] = {
    "hangs": (hang, "silent"),
    "stalls half way": (stall, "silent"),
    "drips": (drip, "within timeout"),
}


@pytest.mark.parametrize("fault", REFUSED)
async def test_what_is_no_list_is_refused_at_once(get: Fetch, authority: Authority, fault: str) -> None:
    authority.default, reason = REFUSED[fault]
    with pytest.raises(FetchFailed, match=reason) as caught:
        await fetched(get, authority, max_bytes=1_000_000, retries=2)
    assert not isinstance(caught.value, TryAgain)
    assert len(authority.requests) == 1
    tells_nothing(str(caught.value))


@pytest.mark.parametrize("fault", MAY_PASS)
async def test_what_may_pass_is_tried_again(get: Fetch, authority: Authority, fault: str) -> None:
    broken, reason = MAY_PASS[fault]
    authority.default = broken
    with pytest.raises(TryAgain, match=reason) as caught:
        await fetched(get, authority)
    tells_nothing(str(caught.value))
    authority.default = in_turn(broken, broken, serve(LIST))
    assert (await fetched(get, authority, retries=2)).raw == {"": LIST}


@pytest.mark.parametrize("fault", SLOW)
async def test_slow_loris_is_given_up(get: Fetch, authority: Authority, fault: str) -> None:
    authority.default, reason = SLOW[fault]
    with pytest.raises(TryAgain, match=reason):
        await fetched(get, authority, timeout_s=0.3)


async def test_a_dead_server_is_reported_without_its_address(get: Fetch) -> None:
    with pytest.raises(TryAgain, match="connection failed: Connection refused") as caught:
        await get("http://127.0.0.1:1/secret/list")
    tells_nothing(str(caught.value))
    assert caught.value.__suppress_context__


async def test_a_zip_bomb_stops_at_the_limit(get: Fetch, authority: Authority) -> None:
    zeros = bytes(64 * 2**20)
    for pack in (gzip.compress, zstandard.compress):
        authority.default = serve(pack(zeros))
        with pytest.raises(FetchFailed, match=r"max_unpacked_bytes \(1000000\)"):
            await fetched(get, authority, max_unpacked_bytes=1_000_000)


async def test_the_environment_redirects_nothing(
    session: aiohttp.ClientSession, get: Fetch, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    authority.default = serve(LIST)
    assert (await fetched(get, authority)).raw == {"": LIST}
    assert not session.trust_env


async def test_progress_is_told_in_bytes(
    session: aiohttp.ClientSession, authority: Authority, tmp_path: Path
) -> None:
    authority.default = serve(LIST)
    heard: list[tuple[int, int | None]] = []
    await fetch(
        list_config(f"{authority.url}/"),
        NOTHING_KNOWN,
        session=session,
        rng=Random(1),
        memory=tmp_path / "memory",
        progress=lambda done, total: heard.append((done, total)),
    )
    assert heard[-1] == (len(LIST), len(LIST))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(max_size=200), start=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", CHUNKED, head()]))
async def test_random_bytes_for_an_answer_never_raise_anything_else(
    get: Fetch, authority: Authority, garbage: bytes, start: bytes
) -> None:
    authority.default = raw(start, garbage)
    try:
        await fetched(get, authority)
    except FetchFailed as refused:
        tells_nothing(str(refused))


def tells_nothing(message: str) -> None:
    assert "127.0.0.1" not in message
    assert "list.txt" not in message
    assert "s3cret" not in message
    assert "one.example" not in message
