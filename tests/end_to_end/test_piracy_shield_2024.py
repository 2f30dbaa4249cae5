"""Piracy Shield 2024: a host that everybody uses was ordered blocked, and a country lost it within minutes.

Played on four workers: what is new is on trial on one of them, and clients of the other three notice nothing.
"""

import json
import threading
from collections.abc import Iterator
from typing import Self

import pytest
from whole_service import REAL, SPLASH, WholeService, until

LISTED = [f"listed-{number}.example" for number in range(200)]
POPULAR = "popular.example"
SOAK_S = 6
ROLLOUT = f"""
[rollout]
soak = "{SOAK_S}s"
share = 0.25
min_decisions = 100
"""


class Clients(threading.Thread):
    """Ask for the popular host all the time; `refused` counts who could not reach it, of `asked`."""

    def __init__(self, service: WholeService) -> None:
        super().__init__()
        self._service = service
        self._done = threading.Event()
        self.asked = self.refused = 0

    def __enter__(self) -> Self:
        self.start()
        until(lambda: self.asked > 1000)
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()

    def run(self) -> None:
        while not self._done.is_set():
            self.refused += self._service.ask(POPULAR) == SPLASH
            self.asked += 1


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeService]:
    service = WholeService(tmp_path_factory.mktemp("service"), workers=4, tables=ROLLOUT)
    service.publish(*LISTED)
    service.start()
    try:
        service.until_blocked(LISTED[0])
        yield service
    finally:
        service.stop()


def audited(service: WholeService) -> list[str]:
    lines = service.run("audit", "show", "--json").said.splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_a_good_version_is_on_one_worker_first_and_on_all_after_its_soak(service: WholeService) -> None:
    service.publish(*LISTED, "new.example")
    until(lambda: service.blocks("new.example"))
    answers = [service.ask("new.example") for _ in range(64)]
    assert {SPLASH, REAL} == set(answers)
    assert service.store.trial() is not None
    until(lambda: service.store.trial() is None)
    until(lambda: all(service.blocks("new.example") for _ in range(32)))
    assert audited(service)[-3:] == ["list_published", "rollout_started", "rollout_passed"]
    assert not service.alarms()


def test_piracy_shield_2024_a_host_that_everybody_uses_is_free_again_by_itself(service: WholeService) -> None:
    good = service.store.current()
    with Clients(service) as clients:
        assert clients.refused == 0
        service.publish(*LISTED, POPULAR)
        until(lambda: clients.refused)
        before = clients.asked, clients.refused
        until(lambda: "rollout_failed" in audited(service))
        until(lambda: service.store.trial() is None)
        asked, refused = clients.asked - before[0], clients.refused - before[1]
        # One worker of four, until it was noticed.
        assert 0 < refused < asked / 2
        until(lambda: "list_quarantined" in audited(service))
        over = clients.asked, clients.refused
        until(lambda: clients.asked > over[0] + 200)
        assert clients.refused == over[1]

    assert service.store.current() == good
    assert service.blocks(LISTED[0])
    found = json.loads(service.run("quarantine", "list", "--json").said)
    assert [(one["list"], one["state"]) for one in found] == [("national", "waiting")]
    shown = service.run("quarantine", "show", found[0]["id"]).said
    assert "rollout: this version was taken back by itself" in shown
    assert "trial_taken_back" in service.alarms()
    assert audited(service).count("rollout_failed") == 1
    assert POPULAR not in service.log.read_text()
