"""Never blind, never blank: faults of disk, state and processes, played on the real service."""

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from dnslib import DNSRecord
from small_disk import small_disk
from whole_service import REAL, SPLASH, WholeService, until

LISTED = "bad.example"
Start = Callable[..., WholeService]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    running: list[WholeService] = []

    def start(**settings: object) -> WholeService:
        service = WholeService(tmp_path, **settings)  # type: ignore[arg-type]  # passed through
        running.append(service)
        service.publish(LISTED)
        service.start()
        until(lambda: service.blocks(LISTED))
        return service

    yield start
    for service in running:
        service.stop()


class Watching:
    """Asks for a listed name all the time, from a thread; `let_through` counts real answers."""

    def __init__(self, service: WholeService) -> None:
        self._service = service
        self._done = threading.Event()
        self.let_through = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(0.005):
            answer = self._service.ask(LISTED, timeout_s=0.5)
            self.let_through += answer not in (SPLASH, None)


def fill(path: Path) -> None:
    """Take all the room that is left, and make sure that there is none."""
    with path.open("wb", 0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    assert os.statvfs(path).f_bavail == 0


def test_a_full_disk_leaves_the_list_in_force_and_every_role_can_start_again(
    started: Start, tmp_path: Path
) -> None:
    with small_disk(tmp_path, "8m") as disk:
        service = started(state=disk / "state")
        try:
            fill(disk / "full")
            with Watching(service) as watching:
                service.publish(LISTED, "worse.example")
                until(lambda: b"refused: the state folder cannot be written" in service.log.read_bytes())
                for role in ("dns_resolver", "splash", "sync"):
                    service.kill(role)
                until(lambda: service.blocks(LISTED))
                until(lambda: service.ask("good.example") == REAL)
                (disk / "full").unlink()
                service.process.send_signal(signal.SIGHUP)
                until(lambda: service.blocks("worse.example"))
            assert watching.let_through == 0
        finally:
            service.stop()


def test_a_disk_that_became_read_only_does_not_keep_the_resolver_from_starting(
    started: Start, tmp_path: Path
) -> None:
    with small_disk(tmp_path, "8m") as disk:
        service = started(state=disk / "state")
        service.process.terminate()
        service.process.wait(30)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        service.start("dns")
        try:
            until(lambda: service.blocks(LISTED))
            assert service.ask("good.example") == REAL
        finally:
            service.stop()


def test_roles_killed_at_any_time_never_let_a_listed_name_through(started: Start) -> None:
    service = started()
    order = ["dns_resolver", "sync", "splash", "dns_resolver", "sync"]
    random.Random(20260101).shuffle(order)
    with Watching(service) as watching:
        for number, role in enumerate(order):
            service.publish(LISTED, f"new-{number}.example")
            service.process.send_signal(signal.SIGHUP)
            until(lambda name=role: name in service.roles())  # type: ignore[misc]  # mypy knows no default here
            os.kill(service.roles()[role], signal.SIGKILL)
        until(lambda: service.blocks("new-4.example"))
    assert watching.let_through == 0


@pytest.mark.parametrize(
    "damage", ["index cut short", "folder removed", "pointer to nowhere", "pointer corrupt"]
)
def test_a_damaged_generation_is_mended_and_lets_nothing_through(started: Start, damage: str) -> None:
    service = started()
    service.publish(LISTED, "worse.example")
    until(lambda: service.blocks("worse.example"))
    before = service.store.current() or 0
    folder = service.store.folder(before)
    with Watching(service) as watching:
        match damage:
            case "index cut short":
                os.truncate(folder / "index", 60)
            case "folder removed":
                shutil.rmtree(folder)
            case "pointer to nowhere":
                (service.state / "current").write_text("999\n")
            case "pointer corrupt":
                (service.state / "current").write_text("\0\0")
        service.kill("dns_resolver")
        service.kill("sync")
        until(lambda: service.blocks("worse.example"))
        until(lambda: service.blocks(LISTED))
    assert watching.let_through == 0


def test_a_vanished_state_folder_does_not_silence_the_resolver(started: Start) -> None:
    service = started(workers=2)
    until(lambda: all(service.blocks(LISTED) for _ in range(16)))  # both workers answer
    service.state.rename(service.folder / "gone")
    for number in range(8):
        assert service.blocks(LISTED)
        assert service.ask(f"good-{number}.example", tcp=bool(number % 2)) == REAL


@pytest.fixture
def synced(tmp_path: Path) -> Iterator[WholeService]:
    """A service whose list is published, and of which nothing runs yet."""
    service = WholeService(tmp_path, workers=2)
    service.publish(LISTED)
    service.start("sync")
    assert service.process.wait(60) == 0
    yield service
    service.stop()


def test_a_worker_that_cannot_start_again_does_not_take_its_sisters_down(synced: WholeService) -> None:
    synced.start("dns")
    until(lambda: synced.blocks(LISTED))
    until(lambda: all(synced.blocks(LISTED) for _ in range(16)))
    role = synced.process.pid
    generations = synced.state / "generations"
    generations.rename(synced.state / "gone")
    workers = Path(f"/proc/{role}/task/{role}/children").read_text().split()
    os.kill(int(workers[0]), signal.SIGKILL)
    until(lambda: b"a worker ended with exit code 3 and is replaced" in synced.log.read_bytes())
    until(lambda: synced.blocks(LISTED))  # the other worker's share of the questions
    (synced.state / "gone").rename(generations)
    until(lambda: all(synced.blocks(LISTED) for _ in range(16)))
    assert synced.process.poll() is None


def test_a_resolver_out_of_descriptors_still_says_what_is_listed_and_recovers(synced: WholeService) -> None:
    synced.start("dns")
    until(lambda: all(synced.blocks(LISTED) for _ in range(16)))
    role = synced.process.pid
    for worker in Path(f"/proc/{role}/task/{role}/children").read_text().split():
        resource.prlimit(int(worker), resource.RLIMIT_NOFILE, (48, 48))
    crowd = [socket.create_connection(("127.0.0.1", synced.ports["dns"])) for _ in range(160)]
    until(lambda: b"unexpected: OSError" in synced.log.read_bytes())
    assert synced.blocks(LISTED)
    for one in crowd:
        one.close()
    until(lambda: synced.ask("good.example", tcp=True) == REAL)
    # One line for each failed accept would be thousands.
    assert len(synced.log.read_bytes().splitlines()) < 900


def test_an_upstream_that_never_answers_costs_bounded_memory_and_no_blocked_answer(started: Start) -> None:
    service = started()
    service.upstream.silent = True
    resolver = service.roles()["dns_resolver"]

    def memory_mib() -> int:
        status = Path(f"/proc/{resolver}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    before = memory_mib()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", service.ports["dns"]))
        sock.setblocking(False)
        packet = bytearray(DNSRecord.question("x0000000.flood.example").pack())
        for number in range(30_000):
            packet[14:21] = b"%07d" % number
            sock.send(packet)
            if number % 100 == 0:
                assert service.blocks(LISTED) or number % 1000
    assert service.blocks(LISTED)
    assert memory_mib() - before < 100
    service.upstream.silent = False
    until(lambda: service.ask("good.example", timeout_s=5) == REAL)
    assert service.roles()["dns_resolver"] == resolver
