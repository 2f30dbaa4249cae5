"""Lines are added by many, killed at any step, on a disk that may be full; the log stays whole."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from audit_logs import NOW, config_in, log_of, rewrite
from generations import a_list
from small_disk import small_disk

from cop_filter.audit import Audit, lines, verify
from cop_filter.config import AuditConfig
from cop_filter.errors import AuditBroken, SignatureRefused, StateError
from cop_filter.signing import SigningKey

STEPS = ("write line", "sync line", "write checkpoint", "done")


def whole(audit: Audit) -> int:
    found = verify(audit.folder, [audit.public_key()])
    return found.head.lines


def test_a_log_begins_by_itself_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    audit = log_of(config_in(tmp_path), 2)
    assert [(one.number, one.event, one.at) for one in lines(audit.folder)] == [
        (1, "audit_started", NOW),
        (2, "list_published", NOW),
        (3, "list_published", NOW),
    ]
    assert stat.S_IMODE(audit.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in audit.folder.iterdir()} == {0o600}


def test_the_configured_key_signs(tmp_path: Path) -> None:
    key = SigningKey.generate()
    key.save(tmp_path / "audit.pem")
    config = config_in(tmp_path, audit=AuditConfig(tmp_path / "audit.pem"))
    audit = log_of(config)
    assert verify(audit.folder, [key.public]).key == key.public
    assert not (audit.folder / "key.pem").exists()
    (tmp_path / "audit.pem").chmod(0o644)
    with pytest.raises(SignatureRefused, match="chmod 600"):
        Audit(config).record("rolled_back")


def test_an_entry_that_a_bug_would_tell_reaches_neither_disk_nor_messages(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audit = log_of(config_in(tmp_path))
    with pytest.raises(ValueError, match="the fact list"):
        audit.record("list_published", list="planted.example")
    assert not audit.note("list_published", digest="http://planted.example/")
    assert whole(audit) == 6
    assert "planted" not in caplog.text
    assert not any(b"planted" in path.read_bytes() for path in audit.folder.iterdir())


def test_names_of_the_configuration_may_hold_dots(tmp_path: Path) -> None:
    audit = Audit(config_in(tmp_path, a_list("hotline.v2")))
    assert audit.note("list_published", list="hotline.v2")
    assert not audit.note("list_published", list="hotline.v3")


def test_many_processes_and_threads_write_one_chain(tmp_path: Path) -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from audit_logs import config_in
from cop_filter.audit import Audit
audit = Audit(config_in(Path(sys.argv[1])), max_file_bytes=3000)
for number in range(20):
    audit.record("list_refused", list="national", process=int(sys.argv[3]), number=number)
"""
    tests = str(Path(__file__).parents[1])
    words = [sys.executable, "-c", code, str(tmp_path), tests]
    running = [subprocess.Popen([*words, str(number)]) for number in range(3)]
    audit = Audit(config_in(tmp_path), max_file_bytes=3000)
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda number: audit.record("rolled_back", number=number), range(20)))
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert whole(audit) == 81
    told = [
        (one.facts["process"], one.facts["number"]) for one in lines(audit.folder) if "process" in one.facts
    ]
    for process in range(3):
        assert [number for who, number in told if who == process] == list(range(20))


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("step", STEPS)
def test_a_writer_killed_at_any_step_leaves_a_whole_log(tmp_path: Path, step: str, size: int) -> None:
    config = config_in(tmp_path)
    before = log_of(config, max_file_bytes=size)
    child = os.fork()
    if child == 0:

        def die(at: str) -> None:
            if at == step:
                os.kill(os.getpid(), signal.SIGKILL)

        Audit(config, at_step=die, max_file_bytes=size).record("rolled_back")
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert whole(before) in (6, 7)
    before.record("list_refused")
    last = list(lines(before.folder))
    assert whole(before) == len(last) in (7, 8)
    assert last[-1].event == "list_refused"


@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize("kept", [1, 50, -1])
def test_a_line_torn_by_a_crash_is_no_alarm_and_is_made_good(tmp_path: Path, kept: int, size: int) -> None:
    config = config_in(tmp_path)
    audit = log_of(config, max_file_bytes=size)
    checkpoint = audit.checkpoint()
    assert checkpoint is not None
    audit.record("rolled_back")
    path = max(audit.folder.glob("*.jsonl"))
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:-1]) + rows[-1][:kept])
    (audit.folder / "checkpoint").write_bytes(checkpoint)
    found = verify(audit.folder, [audit.public_key()])
    assert (found.head.lines, found.torn) == (6, True)
    assert len(list(lines(audit.folder))) == 6
    audit.record("list_refused")
    found = verify(audit.folder, [audit.public_key()])
    assert (found.head.lines, found.torn) == (7, False)


def test_a_crash_before_the_first_line_is_no_alarm(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    child = os.fork()
    if child == 0:
        Audit(config, at_step=lambda _: os.kill(os.getpid(), signal.SIGKILL)).record("rolled_back")
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    audit = Audit(config)
    assert whole(audit) == 0
    audit.record("rolled_back")
    assert whole(audit) == 2


def test_a_full_disk_refuses_a_line_and_leaves_the_log_whole(tmp_path: Path) -> None:
    with small_disk(tmp_path, "256k") as disk:
        audit = log_of(config_in(disk))
        with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1024))
        # The file that exists has room to the end of its page; the checkpoint beside it has none.
        for _ in range(3):
            with pytest.raises(StateError, match="cannot be written: No space"):
                audit.record("rolled_back")
        assert not audit.note("rolled_back")
        assert whole(audit) == 6
        (disk / "filler").unlink()
        audit.record("list_refused")
        assert whole(audit) == 7


@pytest.mark.parametrize("damage", [b"", b"-----BEGIN PRIVATE KEY-----", None])
def test_a_log_whose_own_key_is_damaged_can_be_begun_anew(tmp_path: Path, damage: bytes | None) -> None:
    config = config_in(tmp_path)
    key = log_of(config).folder / "key.pem"
    if damage is None:
        key.unlink()
    else:
        key.write_bytes(damage)
    assert not Audit(config).note("list_published", list="national")
    Audit(config).restart()
    assert Audit(config).note("list_published", list="national")
    assert whole(Audit(config)) == 2


def test_a_key_of_the_operators_own_is_never_put_aside(tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(b"damaged")
    own.chmod(0o600)
    with pytest.raises(SignatureRefused):
        Audit(config_in(tmp_path, audit=AuditConfig(own))).restart()
    assert own.read_bytes() == b"damaged"


def test_a_broken_log_is_put_aside_and_a_new_one_says_what_it_follows(tmp_path: Path) -> None:
    audit = log_of(config_in(tmp_path))
    head = audit.head()
    assert head is not None
    rewrite(audit, lambda rows: rows[:-1])
    with pytest.raises(AuditBroken):
        audit.record("rolled_back")
    audit.restart()
    audit.record("rolled_back")
    assert whole(audit) == 2
    first = next(iter(lines(audit.folder)))
    assert first.facts["after_lines"] == 6
    assert first.facts["after_digest"] == head.digest
    assert (audit.folder / "ended-001" / "000000000001.jsonl").exists()
    audit.restart()
    assert (audit.folder / "ended-002" / "000000000001.jsonl").exists()


def test_another_audit_key_needs_a_new_log(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    log_of(config)
    SigningKey.generate().save(tmp_path / "audit.pem")
    moved = Audit(replace(config, audit=AuditConfig(tmp_path / "audit.pem")))
    with pytest.raises(AuditBroken, match="another key"):
        moved.record("rolled_back")
    moved.restart()
    moved.record("rolled_back")
    assert whole(moved) == 2


def test_before_there_is_a_log_there_is_no_key_and_no_head(tmp_path: Path) -> None:
    audit = Audit(config_in(tmp_path))
    assert audit.head() is None
    assert audit.checkpoint() is None
    with pytest.raises(StateError, match="no audit log yet"):
        audit.public_key()
    assert not audit.folder.exists()
