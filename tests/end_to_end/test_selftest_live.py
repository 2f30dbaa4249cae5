"""`cop-filter selftest` against a running `serve`: what it says is what the live listeners do."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from whole_service import PATIENCE_S, WholeService, until

from cop_filter import canaries, compiler, config
from cop_filter.entries import parse
from cop_filter.errors import StateError
from cop_filter.history import History
from cop_filter.selftest import latest
from cop_filter.verdict import Plane

HOST, PAGE, MISSING = "canary.example", "http://pages.example/canary", "missing-canary.example"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[WholeService]:
    service = WholeService(tmp_path, proxy=True, interval="1h")
    with service.config_path.open("a") as file:
        file.write('[selftest]\ninterval = "1s"\n')
    service.publish("bad.example", HOST, PAGE)
    service.start()
    try:
        service.until_blocked("bad.example")
        yield service
    finally:
        service.stop()


def attach(service: WholeService, *texts: str) -> None:
    """Have a generation say that these are canaries of the list, whatever the list holds."""
    entries = [parse(text) for text in texts]

    def published() -> bool:
        try:
            with compiler.draft(service.store, config.load(service.config_path)) as draft:
                draft.attach("national", canaries.ATTACHMENT, canaries.to_bytes(entries))
                draft.publish()
        except StateError:
            return False  # sync is publishing
        return True

    until(published)


def asked(service: WholeService, *words: str) -> tuple[int, str]:
    argv = [sys.executable, "-m", "cop_filter.cli", "--config", str(service.config_path), "selftest", *words]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return ran.returncode, ran.stdout or ran.stderr


def until_found(service: WholeService, right: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The results of the command, once they are as they should be: a moment ago, the old generation held."""
    found: list[dict[str, Any]] = []

    def looks_right() -> bool:
        code, said = asked(service, "--json")
        found.append({"code": code, **json.loads(said)})
        return right(found[-1])

    try:
        until(looks_right)
    except AssertionError:
        raise AssertionError(f"it found at last: {found[-1]}") from None
    return found[-1]


def test_every_listener_stops_the_canaries_and_lets_pass_what_is_not_listed(service: WholeService) -> None:
    attach(service, HOST, PAGE)
    found = until_found(service, lambda found: found["passed"] and len(found["results"]) == 12)
    assert found["code"] == 0
    asked_for = {(one["list_id"], one["plane"], one["expects"]): one["asked"] for one in found["results"]}
    assert asked_for["national", "dns", "block"] == 1
    assert asked_for["national", "http", "block"] == 2
    assert asked_for["self-test", "tls", "pass"] == 1
    code, said = asked(service)
    assert code == 0
    assert "canary" not in said
    assert "pages.example" not in said


def test_a_broken_canary_is_seen_by_the_command_the_results_the_history_and_the_audit_log(
    service: WholeService,
) -> None:
    attach(service, HOST, MISSING)
    found = until_found(service, lambda found: any(one["state"] == "failed" for one in found["results"]))
    assert found["code"] == 1
    assert {(one["list_id"], one["failed"]) for one in found["results"] if one["state"] == "failed"} == {
        ("national", 1)
    }

    def state() -> str | None:
        results = latest(service.state)
        return None if results is None else results.state_of("national", Plane.DNS)

    until(lambda: state() == "failed")
    attach(service, HOST)
    until(lambda: state() == "passed")
    until(lambda: b"canary_recovered" in b"".join(map(Path.read_bytes, service.state.glob("audit/*.jsonl"))))
    audited = b"".join(map(Path.read_bytes, service.state.glob("audit/*.jsonl")))
    assert b"canary_failed" in audited
    rows = {(row.subject, row.what) for row in History(service.state).rows(0, 2**40)}
    assert {("canary:national:dns", "failed"), ("canary:national:dns", "passed")} <= rows
    spans = History(service.state).spans("enforcing:dns", 0, 2**40)
    assert spans[-1].good
    everything = [path.read_bytes() for path in service.state.rglob("*") if path.is_file()]
    assert not [raw for raw in everything if b"canary.example" in raw]
    assert "canary.example" not in service.log.read_text()


def test_a_resolver_that_hangs_is_unreachable_and_not_called_good(service: WholeService) -> None:
    resolver = service.roles()["dns_resolver"]
    os.kill(resolver, signal.SIGSTOP)
    try:
        until(lambda: (results := latest(service.state)) is not None
              and results.state_of("self-test", Plane.DNS) == "unreachable")  # fmt: skip
    finally:
        os.kill(resolver, signal.SIGCONT)
    until(lambda: (results := latest(service.state)) is not None
          and results.state_of("self-test", Plane.DNS) == "passed")  # fmt: skip
    assert [span for span in History(service.state).spans("enforcing:dns", 0, 2**40) if not span.good]


def test_canaries_of_the_configuration_are_asked_for_by_every_generation(tmp_path: Path) -> None:
    service = WholeService(tmp_path, interval="1h")
    text = service.config_path.read_text()
    service.config_path.write_text(text.replace("retries = 0", f'retries = 0\ncanaries = ["{HOST}"]', 1))
    service.publish("bad.example", HOST)
    service.start()
    try:
        service.until_blocked("bad.example")
        found = until_found(service, lambda found: bool(found["passed"]))
    finally:
        service.stop()
    assert {one["asked"] for one in found["results"] if one["list_id"] == "national"} == {1}
