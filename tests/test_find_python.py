"""Which Python a fresh clone is set up with: scripts/find-python against pretended interpreters."""

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "find-python"


def an_interpreter(path: Path, says: str = "", code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{f'echo {says}' if says else ':'}\nexit {code}\n")
    path.chmod(0o755)
    return path


def find(tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path), **more}
    return subprocess.run([SCRIPT], env=environment, capture_output=True, text=True, check=False)


def test_the_newest_wins_whether_on_path_or_in_pyenvs_folder(tmp_path: Path) -> None:
    an_interpreter(tmp_path / "bin/python3.98", "3.98.0 old")
    an_interpreter(tmp_path / ".pyenv/versions/3.101.2/bin/python3.101", "3.101.2 newest")
    an_interpreter(tmp_path / ".pyenv/versions/3.99.10/bin/python3.99", "3.99.10 middle")
    assert find(tmp_path).stdout == "newest\n"


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    an_interpreter(tmp_path / "bin/python3.99", code=127)
    an_interpreter(tmp_path / "bin/python3.98", "3.98.0 runs")
    assert find(tmp_path).stdout == "runs\n"


def test_PYTHON_overrides_what_would_be_found(tmp_path: Path) -> None:  # noqa: N802  a variable's name
    an_interpreter(tmp_path / "bin/python3.99", "3.99.0 found")
    chosen = an_interpreter(tmp_path / "elsewhere/mine", "3.98.0 chosen")
    assert find(tmp_path, PYTHON=str(chosen)).stdout == "chosen\n"


@pytest.mark.parametrize("code", [0, 127])
def test_a_chosen_one_that_is_too_old_or_does_not_run_is_an_error_that_names_it(
    tmp_path: Path, code: int
) -> None:
    an_interpreter(tmp_path / "bin/python3.99", "3.99.0 found")
    chosen = an_interpreter(tmp_path / "elsewhere/mine", code=code)
    done = find(tmp_path, PYTHON=str(chosen))
    assert done.returncode == 1
    assert f"PYTHON={chosen}" in done.stderr
