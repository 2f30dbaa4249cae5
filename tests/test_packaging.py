"""The wheel, as an operator gets it: installed outside the tree, with nothing of the tree in reach."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = """
state_dir = "state"

[operator]
name = "Example Net"
responsible_officer = "safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"

[[lists]]
id = "national"
source = "file:list.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    maturin = Path(sysconfig.get_path("scripts")) / "maturin"
    subprocess.run(
        [maturin, "build", "--release", "--locked", "--quiet", "--interpreter", sys.executable, "--out", out],
        cwd=ROOT,
        check=True,
    )
    (built,) = out.glob("*.whl")
    return built


class Installed:
    """A fresh environment that holds the wheel; what the wheel depends on is lent by this one."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", symlinks=True)
        self.bin = folder / "venv" / "bin"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", self.bin / "python"]
        subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
        # A .pth that lies in a folder named by a .pth is not read, so our own editable install stays out.
        (site_packages,) = (folder / "venv").glob("lib/python3.*/site-packages")
        (site_packages / "lent.pth").write_text(sysconfig.get_path("platlib"))

    def run(self, program: str, *words: str) -> str:
        """The standard output of a program of this environment, run where the tree is not in reach."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(
            [self.bin / program, *words],
            cwd=self.folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"), wheel)


def test_one_wheel_serves_every_python_from_3_11_on(wheel: Path) -> None:
    assert "-cp311-abi3-" in wheel.name


def test_the_wheel_holds_the_packages_and_their_data_and_nothing_else(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    packages = {"cop_filter", "addons", "dns_resolver"}
    ours = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        for path in (ROOT / package).rglob("*.*")
        if path.suffix not in {".pyc", ".so"}
    }
    assert ours <= names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == packages
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_every_package_is_the_one_from_the_wheel(installed: Installed) -> None:
    code = "import addons, dns_resolver, cop_filter._native as native"
    code += "; print(native.__file__, addons.__file__, dns_resolver.__file__)"
    paths = installed.run("python", "-c", code).split()
    assert all(Path(path).is_relative_to(installed.folder) for path in paths)


def test_the_command_says_its_version(installed: Installed) -> None:
    version = installed.run("python", "-c", "from cop_filter.version import VERSION; print(VERSION)")
    assert installed.run("cop-filter", "--version") == f"cop-filter {version}"


def test_a_list_is_published_and_looked_up(installed: Installed) -> None:
    (installed.folder / "cop-filter.toml").write_text(CONFIG)
    (installed.folder / "list.txt").write_text("bad.example\nhttp://mixed.example/bad.html\n")
    installed.run("cop-filter", "--config", "cop-filter.toml", "sync")
    words = ("www.bad.example", "http://mixed.example/bad.html", "http://mixed.example/good.html")
    out = installed.run("cop-filter", "--config", "cop-filter.toml", "check", "--json", *words)
    assert [json.loads(line)["action"] for line in out.splitlines()] == ["block", "block", "allow"]
    code = "import cop_filter; print(cop_filter.open('state').decide_host('bad.example').action)"
    assert installed.run("python", "-c", code) == "block\n"


def test_the_never_block_lists_come_with_the_wheel(installed: Installed) -> None:
    (installed.folder / "never-block.toml").write_text(CONFIG)
    code = (
        "from pathlib import Path; from cop_filter import config; from cop_filter.guards import never_block"
    )
    code += "; print(len(never_block.entries(config.load(Path('never-block.toml')))))"
    assert int(installed.run("python", "-c", code)) > 100


@pytest.mark.parametrize("front_end", ["addons", "dns_resolver"])
def test_the_front_ends_can_be_started(installed: Installed, front_end: str) -> None:
    assert "--config" in installed.run("python", "-m", front_end, "--help")
