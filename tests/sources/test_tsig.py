"""The secret that transfers of a zone are signed with."""

from pathlib import Path

import pytest
from fetching import list_config

from cop_filter.errors import FetchFailed
from cop_filter.sources.tsig import key_of

SOURCE = "axfr://192.0.2.53/rpz.authority.example"


def test_a_list_without_a_key_is_not_signed() -> None:
    assert key_of(list_config(SOURCE)) is None


def test_the_secret_is_base64_in_a_file_of_its_own(secret_file: Path) -> None:
    key = key_of(list_config(SOURCE, tsig_name="Key.authority.example", tsig_file=secret_file))
    assert key is not None
    assert (key.name.to_text(), key.algorithm.to_text()) == ("Key.authority.example.", "hmac-sha256.")


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (b"MTIz", 0o644, "chmod 600"),
        (b"", 0o600, "base64"),
        (b"not base64!", 0o600, "base64"),
        (None, 0o600, "cannot read tsig_file: No such file"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(
    secret_file: Path, content: bytes | None, mode: int, reason: str
) -> None:
    secret_file.unlink()
    if content is not None:
        secret_file.write_bytes(content)
        secret_file.chmod(mode)
    with pytest.raises(FetchFailed, match=reason) as caught:
        key_of(list_config(SOURCE, tsig_name="key.authority.example", tsig_file=secret_file))
    assert "authority.tsig" not in str(caught.value)


def test_a_key_name_that_is_no_name_is_refused(secret_file: Path) -> None:
    with pytest.raises(FetchFailed, match="tsig_name"):
        key_of(list_config(SOURCE, tsig_name="a..b", tsig_file=secret_file))
