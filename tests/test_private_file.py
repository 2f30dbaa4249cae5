"""Secrets are read from files that their owner alone may open."""

from pathlib import Path

import pytest

from cop_filter import private_file


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner_alone_is_read(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"0123456789")
    file.chmod(mode)
    assert private_file.read(file) == b"0123456789"
    assert private_file.read(file, 4) == b"0123"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o777])
def test_a_file_that_others_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"0123456789")
    file.chmod(mode)
    with pytest.raises(private_file.ReadableByOthersError):
        private_file.read(file)
