"""What an operator copies: the example works as it is, shows every key, and the units run what exists."""

import re
import shlex
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from cop_filter import formats
from cop_filter.cli.command import cop_filter
from cop_filter.config import keys, load

DEPLOY = Path(__file__).parent.parent / "deploy"
EXAMPLE = DEPLOY / "cop-filter.example.toml"


def test_the_example_is_right_and_runs_every_role() -> None:
    config = load(EXAMPLE)
    assert None not in (config.dns, config.proxy, config.splash, config.metrics)


def test_the_example_shows_every_key() -> None:
    shown = set(re.findall(r"\b([a-z_]+) = ", EXAMPLE.read_text()))
    known = {name for table in keys.keys_of(DEPLOY).values() for name in table}
    assert known - shown == set()
    assert shown - known == set()


def test_the_example_syncs_without_a_network_and_blocks(tmp_path: Path) -> None:
    folder = tmp_path / "deploy"
    folder.mkdir()
    (tmp_path / "lists").symlink_to(DEPLOY.parent / "lists")
    (folder / EXAMPLE.name).write_text(EXAMPLE.read_text())
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(folder / EXAMPLE.name)]
    subprocess.run([*argv, "sync"], check=True, capture_output=True)
    checked = subprocess.run(
        [*argv, "check", "dedicated.plain.example"], check=True, capture_output=True, text=True
    )
    assert "dedicated.plain.example: blocked on dns" in checked.stdout


def test_the_formats_of_the_configuration_are_those_that_can_be_read() -> None:
    assert set(keys.FORMATS) == {"auto", *formats.FORMATS}


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.stem)
def test_a_unit_starts_a_command_that_exists_in_a_private_state_folder(unit: Path) -> None:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # systemd's keys have capitals
    parser.read_string(unit.read_text())
    service = parser["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program == "/opt/cop-filter/bin/cop-filter"
    assert words[:2] == ["--config", "/etc/cop-filter/cop-filter.toml"]
    command, *options = words[2:]
    assert set(options) <= {"--watch"}
    assert command in cop_filter.commands
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("cop-filter", "0700")
    assert service["NoNewPrivileges"] == "yes"


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.stem)
def test_a_unit_may_bind_the_ports_of_its_role_and_no_more(unit: Path) -> None:
    """dns, splash and push.notify (sync) have ports below 1024; so may the proxy."""
    binds = unit.stem.removeprefix("cop-filter-") in ("cop-filter", "dns", "proxy", "splash", "sync")
    lines = unit.read_text().splitlines()
    assert ("AmbientCapabilities=CAP_NET_BIND_SERVICE" in lines) is binds
    assert f"CapabilityBoundingSet={'CAP_NET_BIND_SERVICE' if binds else ''}" in lines


def test_every_unit_shows_how_the_keys_of_the_index_are_handed_to_it() -> None:
    example = re.compile(r"^#LoadCredential=(\S+)", re.MULTILINE)
    shown = {one for unit in DEPLOY.glob("*.service") for one in example.findall(unit.read_text()) or [None]}
    assert shown == {"index.keys:/etc/cop-filter/index.keys"}
    assert '# key_credential = "index.keys"' in EXAMPLE.read_text()


def test_every_role_has_its_unit() -> None:
    stems = {path.stem for path in DEPLOY.glob("*.service")}
    assert stems == {
        "cop-filter",
        *(f"cop-filter-{name}" for name in ("sync", "dns", "proxy", "splash", "metrics", "selftest")),
    }
