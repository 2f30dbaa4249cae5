"""What the documents promise is what the code does."""

import re
import tomllib
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from cop_filter import config
from cop_filter.cli.command import cop_filter
from cop_filter.cli.exits import MEANINGS
from cop_filter.events import Events
from cop_filter.guards.review import GUARDS
from cop_filter.report.alarms import ALARM_NAMES
from cop_filter.report.endpoint import ListCollector
from cop_filter.report.situation import Situation
from cop_filter.report.status import ListRow, Status

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("lists/**/*.md")])
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        linked = document.parent / name if name else document
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_resolver_of_the_readme_is_configured_rightly(tmp_path: Path) -> None:
    isp = toml_blocks()[0]
    (tmp_path / "isp.toml").write_text(isp)
    loaded = config.load(tmp_path / "isp.toml")
    assert loaded.dns is not None
    assert loaded.splash is not None


def test_the_proxy_of_the_readme_is_configured_rightly(tmp_path: Path) -> None:
    isp, proxy = toml_blocks()[:2]
    (tmp_path / "school.toml").write_text(isp[: isp.index("[dns]")] + proxy)
    assert config.load(tmp_path / "school.toml").proxy is not None


def test_the_list_of_the_readme_is_configured_rightly(tmp_path: Path) -> None:
    isp, _, changes = toml_blocks()
    text = isp[: isp.index("[dns]")]
    for name in tomllib.loads(changes):
        text = re.sub(rf"^{name} = .*\n", "", text, flags=re.MULTILINE)
    (tmp_path / "list.toml").write_text(text + changes)
    assert [one.mode for one in config.load(tmp_path / "list.toml").lists] == ["observe"]


def toml_blocks() -> list[str]:
    return re.findall(r"^```toml\n(.+?)^```", README, re.MULTILINE | re.DOTALL)


def test_the_exit_codes_of_the_readme_are_those_of_the_command() -> None:
    assert re.findall(r"^\| (\d) \| (.+) \|$", README, re.MULTILINE) == [
        (str(int(code)), meaning) for code, meaning in MEANINGS.items()
    ]


def test_every_command_is_in_the_readme() -> None:
    assert [name for name in cop_filter.commands if f"`{name}" not in README] == []


def test_the_metrics_of_the_operations_manual_are_those_that_exist() -> None:
    row = ListRow("national", "ok", "enforce", 1, 1.0, 1.0, 1.0, 1.0, None)
    situation = Situation(Status(1, 1.0, (row,)), 1.0, None, None, (), {}, None, 300.0)
    registry = CollectorRegistry()
    Events(registry)
    registry.register(ListCollector(lambda: situation))
    exist = {metric.name + ("_total" if metric.type == "counter" else "") for metric in registry.collect()}
    manual = (ROOT / "docs" / "operations.md").read_text()
    table = manual[manual.index("## Metrics") :]
    assert set(re.findall(r"`(cop_filter_\w+)`(?=[,| ])", table)) == exist


def test_the_alarms_of_the_operations_manual_are_those_that_exist() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    chapter = manual[manual.index("## Alarms") :]
    table = chapter[: chapter.index("\n## ")]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(ALARM_NAMES)


def test_what_went_wrong_elsewhere_is_shown_by_tests_that_exist() -> None:
    chapter = (ROOT / "docs" / "incidents.md").read_text()
    tests = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))
    exist = set(re.findall(r"def (test_\w+)\(", tests))
    rows = re.findall(r"^\| (?!incident|attack|-)(.+) \| (.+) \| (.+) \| (.+) \|$", chapter, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| ", chapter, re.MULTILINE)) - 3
    for wrong, _, where, shown in rows:
        named, places = re.findall(r"`(\w+)`", shown), re.findall(r"`([^`]+)`", where)
        assert named, wrong
        assert set(named) <= exist, wrong
        assert places, wrong
        assert [place for place in places if not (ROOT / place).exists()] == [], wrong


def test_every_decision_has_a_number_of_its_own_and_a_line_in_the_table() -> None:
    records = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    assert [name[:4] for name in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    table = (ROOT / "docs" / "adr" / "README.md").read_text()
    assert re.findall(r"^\| \[\d{4}\]\(([^)]+)\)", table, re.MULTILINE) == records


def test_every_guard_is_told_of_where_people_look_when_one_has_refused_a_list() -> None:
    chapter = (ROOT / "docs" / "trust.md").read_text()
    table = chapter[chapter.index("| guard |") : chapter.index("`free_change`")]
    first = "".join(re.findall(r"^\|([^|]+)\|", table, re.MULTILINE))
    assert set(re.findall(r"`([\w-]+)`", first)) == {*GUARDS, "spellings", "overblock", "rollout"}
