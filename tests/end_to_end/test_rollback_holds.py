"""`cop-filter rollback` while the service runs: the older lists hold until somebody releases them."""

import signal
from collections.abc import Iterator

import pytest
from whole_service import REAL, WholeService, until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeService]:
    service = WholeService(tmp_path_factory.mktemp("service"), interval="1h", metrics=True)
    service.publish("one.example")
    service.start()
    try:
        service.until_blocked("one.example")
        service.publish("one.example", "mistake.example")
        service.process.send_signal(signal.SIGHUP)
        service.until_blocked("mistake.example")
        yield service
    finally:
        service.stop()


def looked_again(service: WholeService) -> bool:
    """Whether the list was tried and refused because of the rollback."""
    return "the rollback holds" in (service.status()["lists"][0]["last_error"] or "")


def test_what_cannot_be_done_changes_nothing(service: WholeService) -> None:
    assert service.run("release").code == 1
    assert service.run("rollback", "--to", "99").code == 3
    assert service.blocks("mistake.example")
    assert not service.alarms()


def test_a_rollback_holds_over_changes_and_restarts_until_it_is_released(service: WholeService) -> None:
    back = service.run("rollback", "--reason", "appeal-17")
    assert (back.code, "rolled back from generation 2 to 1" in back.said) == (0, True), back.said
    until(lambda: service.ask("mistake.example") == REAL)
    assert service.blocks("one.example")

    service.publish("one.example", "mistake.example", "new.example")
    service.process.send_signal(signal.SIGHUP)
    until(lambda: looked_again(service))
    service.process.terminate()
    service.process.wait(30)
    service.start()
    service.until_blocked("one.example")
    until(lambda: {"sync", "dns_resolver"} <= service.roles().keys())
    service.process.send_signal(signal.SIGHUP)
    assert service.ask("mistake.example") == service.ask("new.example") == REAL

    assert "rollback_holds" in service.alarms()
    shown = service.run("status")
    assert (shown.code, "appeal-17" in shown.said) == (1, True), shown.said
    code, said = service.health()
    assert (code, "rollback_holds" in {one["name"] for one in said["alarms"]}) == (503, True)
    assert service.run("sync").code == 1
    assert service.store.current() == 1

    assert service.run("release").code == 0
    service.until_blocked("new.example")
    assert service.blocks("mistake.example")
    until(lambda: not service.alarms())
    assert service.health()[0] == 200
    verified = service.run("audit", "verify")
    assert verified.code == 0, verified.said
    told = service.run("audit", "show").said
    assert told.index("rolled_back") < told.index("rollback_released")


def test_a_version_that_is_refused_at_the_release_does_not_come_again(service: WholeService) -> None:
    service.run("rollback")
    until(lambda: service.ask("mistake.example") == REAL)
    wrong = service.run("release", "--refuse", "other")
    assert (wrong.code, "did: national" in wrong.said) == (3, True), wrong.said
    assert "rollback_holds" in service.alarms()

    assert service.run("release", "--refuse", "national").code == 0
    until(lambda: "list_quarantined national" in service.alarms())
    assert service.ask("mistake.example") == REAL
    assert "version_refused" in service.run("audit", "show").said

    service.publish("one.example", "new.example")
    service.process.send_signal(signal.SIGHUP)
    service.until_blocked("new.example")
    assert service.ask("mistake.example") == REAL
