"""Who is believed, and who gets to see the secrets."""

from pathlib import Path

import pytest
from fetching import Fetch
from hostile_authority import Authority, listening, only_with, redirect, serve
from loopback_ca import LoopbackCa

from cop_filter.config import Credentials
from cop_filter.errors import FetchFailed
from cop_filter.sources import Fetched

LIST = b"one.example\n"


@pytest.fixture
def token(tmp_path: Path) -> Credentials:
    (tmp_path / "token").write_text("t0ken-of-ours\n")
    return Credentials(bearer_token_file=tmp_path / "token")


async def test_a_bearer_token_opens_the_list(get: Fetch, ca: LoopbackCa, token: Credentials) -> None:
    async with listening(ca.server()) as authority:
        authority.default = only_with("authorization", "Bearer t0ken-of-ours", LIST)
        with pytest.raises(FetchFailed, match="401"):
            await get(f"{authority.url}/", ca_file=ca.pem)
        answer = await get(f"{authority.url}/", ca_file=ca.pem, credentials=token)
    assert isinstance(answer, Fetched)


async def test_a_rotated_token_is_used_without_a_restart(
    get: Fetch, ca: LoopbackCa, token: Credentials
) -> None:
    assert token.bearer_token_file is not None
    async with listening(ca.server()) as authority:
        authority.default = serve(LIST)
        await get(f"{authority.url}/", ca_file=ca.pem, credentials=token)
        token.bearer_token_file.write_text("second")
        await get(f"{authority.url}/", ca_file=ca.pem, credentials=token)
        sent = [one.headers["authorization"] for one in authority.requests]
    assert sent == ["Bearer t0ken-of-ours", "Bearer second"]


async def test_basic_auth_opens_the_list(get: Fetch, ca: LoopbackCa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIST_PASSWORD", "pä:ss")
    proof = Credentials(username="isp", password_env="LIST_PASSWORD")
    async with listening(ca.server()) as authority:
        authority.default = only_with("authorization", "Basic aXNwOnDDpDpzcw==", LIST)
        assert isinstance(await get(f"{authority.url}/", ca_file=ca.pem, credentials=proof), Fetched)


async def test_a_client_certificate_opens_the_list(get: Fetch, ca: LoopbackCa) -> None:
    certificate, key = ca.issue("client")
    proof = Credentials(client_certificate_file=certificate, client_key_file=key)
    async with listening(ca.server(wants_client=True)) as authority:
        authority.default = serve(LIST)
        with pytest.raises(FetchFailed, match=r"TLS handshake failed|connection"):
            await get(f"{authority.url}/", ca_file=ca.pem)
        assert isinstance(await get(f"{authority.url}/", ca_file=ca.pem, credentials=proof), Fetched)


async def test_a_server_without_a_trusted_certificate_is_refused(get: Fetch, ca: LoopbackCa) -> None:
    async with listening(ca.server()) as authority:
        authority.default = serve(LIST)
        with pytest.raises(FetchFailed, match="issuer is not known"):
            await get(f"{authority.url}/")
    async with listening(ca.server("expired", days=-1)) as authority:
        with pytest.raises(FetchFailed, match="expired"):
            await get(f"{authority.url}/", ca_file=ca.pem)
    async with listening(ca.server("elsewhere", ip="127.0.0.2")) as authority:
        with pytest.raises(FetchFailed) as caught:
            await get(f"{authority.url}/", ca_file=ca.pem)
    assert "127.0.0.1" not in str(caught.value)
    assert authority.requests == []


async def test_secrets_never_cross_the_network_in_clear(
    get: Fetch, authority: Authority, token: Credentials, ca: LoopbackCa
) -> None:
    certificate, key = ca.issue("clear")
    for proof in (token, Credentials(client_certificate_file=certificate, client_key_file=key)):
        with pytest.raises(FetchFailed, match="in clear"):
            await get(f"{authority.url}/", credentials=proof)
    assert authority.requests == []


async def test_redirects_are_followed_to_their_limit(get: Fetch, authority: Authority) -> None:
    authority.answers = {
        "/a": redirect("b"),
        "/b": redirect("//" + authority.url[7:] + "/c", 308),
        "/c": serve(LIST),
    }
    assert isinstance(await get(f"{authority.url}/a", max_redirects=2), Fetched)
    with pytest.raises(FetchFailed, match=r"more than max_redirects \(1\)"):
        await get(f"{authority.url}/a", max_redirects=1)


async def test_a_redirect_loop_ends(get: Fetch, authority: Authority) -> None:
    authority.default = redirect("/again")
    with pytest.raises(FetchFailed, match="max_redirects"):
        await get(f"{authority.url}/", max_redirects=3)
    assert len(authority.requests) == 4


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "nowhere"),
        ("file:///etc/passwd", "nowhere"),
        ("gopher://x.example/", "nowhere"),
        ("http://[::1", "nowhere"),
        ("http://user:word@127.0.0.1/", "user or password"),
    ],
)
async def test_a_redirect_to_anywhere_but_the_web_is_refused(
    get: Fetch, authority: Authority, location: str, reason: str
) -> None:
    authority.default = redirect(location)
    with pytest.raises(FetchFailed, match=reason):
        await get(f"{authority.url}/")


async def test_a_redirect_from_https_to_http_is_refused(
    get: Fetch, ca: LoopbackCa, authority: Authority
) -> None:
    authority.default = serve(LIST)
    async with listening(ca.server()) as secure:
        secure.default = redirect(f"{authority.url}/")
        with pytest.raises(FetchFailed, match="from https to http"):
            await get(f"{secure.url}/", ca_file=ca.pem)
    assert authority.requests == []


async def test_credentials_are_not_sent_to_another_origin_nor_after_it(
    get: Fetch, ca: LoopbackCa, token: Credentials
) -> None:
    async with listening(ca.server()) as home, listening(ca.server("other")) as other:
        home.answers = {"/list": redirect(f"{other.url}/bounce"), "/back": serve(LIST)}
        other.default = redirect(f"{home.url}/back")
        assert isinstance(await get(f"{home.url}/list", ca_file=ca.pem, credentials=token), Fetched)
        assert "authorization" in home.requests[0].headers
        assert "authorization" not in other.requests[0].headers
        assert "authorization" not in home.requests[1].headers


async def test_the_client_certificate_is_not_shown_to_another_origin(get: Fetch, ca: LoopbackCa) -> None:
    certificate, key = ca.issue("shy")
    proof = Credentials(client_certificate_file=certificate, client_key_file=key)
    async with listening(ca.server()) as home, listening(ca.server("curious", wants_client=True)) as other:
        home.default, other.default = redirect(f"{other.url}/"), serve(LIST)
        with pytest.raises(FetchFailed):
            await get(f"{home.url}/list", ca_file=ca.pem, credentials=proof)
    assert other.requests == []


async def test_a_password_in_the_source_is_refused(get: Fetch) -> None:
    with pytest.raises(FetchFailed, match="password_file") as caught:
        await get("https://isp:hunter2@lists.example/")
    assert "hunter2" not in str(caught.value)
