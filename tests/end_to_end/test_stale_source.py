"""A source that is dead for longer than `stale_after`: the list is enforced on, and everybody is told."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from static_site import serving
from whole_service import LIST, REAL, WholeService, free_port, until

DAY_S = 86400.0
STRICT, LENIENT = "strict.example", "lenient.example"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WholeService]:
    """The list `national` is enforced when it is stale, and the list `lenient` is only observed then."""
    (tmp_path / "web").mkdir()
    port = free_port()
    (tmp_path / "web" / "lenient.txt").write_text(f"{LENIENT}\n")
    (tmp_path / "web" / "strict.txt").write_text(f"{STRICT}\n")
    lenient = LIST.format(
        id="lenient", source=f"http://127.0.0.1:{port}/lenient.txt", interval="1s",
        more='stale_after = "1d"\non_stale = "observe"',
    )  # fmt: skip
    service = WholeService(
        tmp_path,
        source=f"http://127.0.0.1:{port}/strict.txt",
        interval="1s",
        more='stale_after = "1d"',
        extra_lists=lenient,
        metrics=True,
    )
    with serving(tmp_path / "web", port):
        assert service.run("sync").code == 0
    yield service
    service.stop()


def two_days_pass(service: WholeService) -> None:
    notes = service.store.read_status()
    for note in notes.values():
        note["confirmed_at"] -= 2 * DAY_S
    service.store.write_status(notes)


def test_a_stale_list_is_enforced_or_observed_as_the_operator_said_and_comes_back(
    service: WholeService,
) -> None:
    two_days_pass(service)
    service.start()
    service.until_blocked(STRICT)
    until(lambda: service.ask(LENIENT) == REAL)
    rows = {row["id"]: row["state"] for row in service.status()["lists"]}
    assert rows == {"national": "stale", "lenient": "stale"}
    said = service.run("status").said
    for list_id, what in (("national", "enforced on"), ("lenient", "only observed")):
        why = "its source could not be asked for longer than stale_after"
        assert f"ALARM list_stale {list_id}: {why}; it is {what}" in said
    code, health = service.health()
    assert (code, {one["subject"] for one in health["alarms"]}) == (503, {"national", "lenient"})
    with urlopen(f"http://127.0.0.1:{service.ports['metrics']}/metrics") as answer:
        figures = answer.read().decode()
    assert 'cop_filter_alarm{alarm="list_stale",subject="national"} 1.0' in figures
    assert 'cop_filter_list_state{list="national",state="stale"} 1.0' in figures

    with serving(service.folder / "web", urlsplit(service.list["source"]).port or 0):
        service.until_blocked(LENIENT)
        until(lambda: service.health()[0] == 200)
        assert not service.alarms()
    assert service.blocks(STRICT)
