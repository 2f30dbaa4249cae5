"""The token of a push."""

from pathlib import Path

import pytest

from cop_filter.config import PushConfig
from cop_filter.errors import ConfigError
from cop_filter.push import token


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "push.token"
    path.write_bytes(b"s3cret\n")
    path.chmod(0o600)
    return path


def test_a_token_is_read_from_its_file_or_the_environment(file: Path) -> None:
    assert token.read(PushConfig(token_file=file)) == b"s3cret"
    assert token.read(PushConfig(token_env="T"), {"T": "other"}) == b"other"


def test_a_token_that_others_may_read_is_refused(file: Path) -> None:
    file.chmod(0o640)
    with pytest.raises(ConfigError, match=r"push\.token_file: .*chmod 600"):
        token.read(PushConfig(token_file=file))


def test_no_token_is_an_error_that_says_where(file: Path) -> None:
    file.write_bytes(b" \n")
    with pytest.raises(ConfigError, match=r"push\.token_file: .*empty"):
        token.read(PushConfig(token_file=file))
    file.unlink()
    with pytest.raises(ConfigError, match=r"push\.token_file: cannot be read: No such file") as caught:
        token.read(PushConfig(token_file=file))
    assert "push.token:" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"push\.token_env: .*not set"):
        token.read(PushConfig(token_env="T"), {})


@pytest.mark.parametrize("header", ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "])
def test_the_right_token_is_taken(header: str) -> None:
    assert token.carries(header, b"s3cret")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "s3cret", "Basic s3cret", "Bearer s3cre", "Bearer s3crett", "Bearer \udcff"],
)
def test_any_other_is_not(header: str) -> None:
    assert not token.carries(header, b"s3cret")
