"""`cop-filter certify` and `certify verify`, as they are typed."""

import json
from pathlib import Path

import pytest
from quarter_of_records import ENTRY, QUARTER, a_recorded_quarter

from cop_filter.cli import command
from cop_filter.cli.exits import Exit

CONFIG = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:national.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
answer = "nxdomain"
[dns]
listen = ["127.0.0.1:5353"]
upstreams = ["192.0.2.53"]
clients = ["127.0.0.0/8"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "c.toml").write_text(CONFIG)
    (tmp_path / "state").mkdir(mode=0o700)
    a_recorded_quarter(tmp_path / "state")
    return tmp_path


def run(site: Path, *words: str) -> Exit:
    return command.run(["--config", str(site / "c.toml"), *words])


def certified(site: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(site, "certify", "--quarter", str(QUARTER), "--output", str(site / "out"), *words) == Exit.OK
    return capsys.readouterr().out.rsplit("--key ", 1)[1].strip()


def test_a_certificate_is_verified_on_a_machine_without_a_configuration(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = certified(site, capsys, "--pdf")
    assert sorted(path.suffix for path in (site / "out").iterdir()) == [".html", ".json", ".pdf"]
    (site / "c.toml").unlink()
    assert run(site, "certify", "verify", str(site / "out/certificate-2026Q2.json"), "--key", key) == Exit.OK
    said = capsys.readouterr().out
    assert "good: Example Net, 2026Q2" in said
    assert "unchanged: certificate-2026Q2.pdf" in said


def test_a_changed_page_ends_with_1_and_is_named(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = certified(site, capsys)
    page = site / "out/certificate-2026Q2.html"
    page.write_text(page.read_text().replace("no data", "100.000 %"))
    assert run(site, "certify", "verify", str(page), "--key", key) == Exit.REFUSED
    assert "certificate-2026Q2.html: it was changed" in capsys.readouterr().err


def test_no_file_holds_an_entry(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certified(site, capsys)
    for path in (site / "out").iterdir():
        assert ENTRY.encode() not in path.read_bytes()


def test_writing_a_certificate_is_audited(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certified(site, capsys)
    (log,) = (site / "state/audit").glob("*.jsonl")
    assert json.loads(log.read_text().splitlines()[-1])["event"] == "certificate_written"


def test_with_a_broken_audit_log_the_certificate_says_so_and_the_command_ends_with_1(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (log,) = (site / "state/audit").glob("*.jsonl")
    log.write_bytes(log.read_bytes().replace(b"rolled_back", b"rolled_bacc"))
    words = ("certify", "--quarter", str(QUARTER), "--output", str(site / "out"))
    assert run(site, *words) == Exit.REFUSED
    assert "cannot be believed" in (site / "out/certificate-2026Q2.html").read_text()


@pytest.mark.parametrize("quarter", ["2026Q5", "2099Q1"])
def test_a_quarter_that_is_none_or_has_not_begun_is_a_wrong_command_line(
    site: Path, quarter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(site, "certify", "--quarter", quarter, "--output", str(site / "out")) == Exit.USAGE
    assert "--quarter" in capsys.readouterr().err


def test_a_key_that_is_none_is_a_wrong_command_line(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(site, "certify", "verify", "c.json", "--key", "ed25519:x") == Exit.USAGE
    assert "must be a public key" in capsys.readouterr().err
