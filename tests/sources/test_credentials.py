"""Secrets come from files or the environment, and stay out of messages."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from loopback_ca import LoopbackCa

from cop_filter.config import Credentials
from cop_filter.errors import FetchFailed
from cop_filter.sources.credentials import authorization, tls


def test_without_credentials_nothing_is_sent() -> None:
    assert authorization(Credentials()) is None


def test_a_token_comes_from_the_environment() -> None:
    assert authorization(Credentials(bearer_token_env="T"), {"T": "abc"}) == "Bearer abc"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "gives no secret"),
        (b"\n", "gives no secret"),
        (b"abc\r\nX-Evil: 1", "cannot be sent"),
        (b"caf\xc3\xa9", "cannot be sent"),
        (b"\xff\xfe", "is not text"),
    ],
)
def test_an_unusable_token_file_is_named_and_not_quoted(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(FetchFailed, match=f"bearer_token_file.*{reason}") as caught:
        authorization(Credentials(bearer_token_file=file))
    assert "abc" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_secret_names_the_key_and_not_the_path(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match="cannot read password_file: No such file") as caught:
        authorization(Credentials(username="isp", password_file=tmp_path / "secret-place"))
    assert "secret-place" not in str(caught.value)
    with pytest.raises(FetchFailed, match="password_env gives no secret"):
        authorization(Credentials(username="isp", password_env="UNSET"), {})
    with pytest.raises(FetchFailed, match="without password_file"):
        authorization(Credentials(username="isp"))


def test_an_own_authority_replaces_the_public_ones(ca: LoopbackCa) -> None:
    assert len(tls(ca.pem, None).get_ca_certs()) == 1


def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, ca: LoopbackCa) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    with pytest.raises(FetchFailed, match="cannot read ca_file"):
        tls(wrong, None)
    with pytest.raises(FetchFailed, match="cannot read ca_file: No such file"):
        tls(tmp_path / "none", None)
    with pytest.raises(FetchFailed, match="client certificate or its key"):
        tls(ca.pem, Credentials(client_certificate_file=wrong))


def test_a_sealed_key_is_refused_and_asks_nobody_for_its_password(tmp_path: Path, ca: LoopbackCa) -> None:
    certificate, _ = ca.issue("sealed")
    key = tmp_path / "sealed.key"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"pass"),
        )
    )
    with pytest.raises(FetchFailed, match="client certificate or its key"):
        tls(ca.pem, Credentials(client_certificate_file=certificate, client_key_file=key))
