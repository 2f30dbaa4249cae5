"""The secret of DNS cookies: one for all workers, and one for all machines that share a file."""

from pathlib import Path

import pytest

from cop_filter.errors import ConfigError
from dns_resolver import cookie_secret

DIGITS = "000102030405060708090a0b0c0d0e0f"


@pytest.fixture
def taken(tmp_path: Path):
    def take(content: bytes, mode: int = 0o600) -> bytes:
        file = tmp_path / "cookie.secret"
        file.write_bytes(content)
        file.chmod(mode)
        return cookie_secret.take(file)

    return take


def test_without_a_file_every_start_has_its_own() -> None:
    first, second = cookie_secret.take(None), cookie_secret.take(None)
    assert len(first) == cookie_secret.SECRET_BYTES
    assert first != second


@pytest.mark.parametrize("content", [bytes(range(16)), DIGITS.encode(), f"{DIGITS.upper()}\n".encode()])
def test_sixteen_bytes_or_their_digits_are_the_secret_itself(taken, content: bytes) -> None:
    assert taken(content) == bytes(range(16))


def test_a_longer_secret_counts_to_its_last_byte(taken) -> None:
    one, other = taken(b"x" * 40 + b"1"), taken(b"x" * 40 + b"2")
    assert len(one) == len(other) == cookie_secret.SECRET_BYTES
    assert one != other


@pytest.mark.parametrize("content", [b"", b"short", DIGITS[:14].encode()])
def test_a_secret_that_can_be_guessed_is_refused_without_repeating_it(taken, content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^dns\.cookie_secret_file: must hold 16 bytes or more") as caught:
        taken(content)
    assert not content or content.decode() not in str(caught.value)


def test_a_secret_that_others_may_read_is_refused(taken) -> None:
    with pytest.raises(ConfigError, match=r"^dns\.cookie_secret_file: is readable by others: chmod 600 it"):
        taken(bytes(16), mode=0o644)


def test_a_missing_secret_names_the_key_and_not_the_path(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^dns\.cookie_secret_file: cannot be read: No such file"
    ) as caught:
        cookie_secret.take(tmp_path / "secret-place")
    assert "secret-place" not in str(caught.value)
