"""Whatever is done to the audit log, `verify` finds it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from audit_logs import NOW, config_in, log_of, rewrite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cop_filter.audit import Audit, Head, lines, verify
from cop_filter.audit import line as line_format
from cop_filter.audit.line import Line
from cop_filter.errors import AuditBroken
from cop_filter.signing import SigningKey


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return log_of(config_in(tmp_path))


def check(audit: Audit, **known: object):
    return verify(audit.folder, [audit.public_key()], **known)


def test_a_log_that_nobody_touched_is_whole(audit: Audit) -> None:
    found = check(audit)
    assert found.head == audit.head()
    assert (found.head.lines, found.at, found.key, found.torn) == (6, NOW, audit.public_key(), False)
    assert [one.event for one in lines(audit.folder)] == ["audit_started"] + ["list_published"] * 5


def edited(place: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    return lambda rows: [*rows[:place], rows[place].replace(old, new), *rows[place + 1 :]]


@pytest.mark.parametrize("place", range(6))
def test_an_edited_line_is_found(audit: Audit, place: int) -> None:
    rewrite(audit, edited(place, str(NOW).encode(), str(NOW + 1).encode()))
    with pytest.raises(AuditBroken, match=rf"line ({place + 1}|{place + 2}) "):
        check(audit)


@pytest.mark.parametrize("place", range(6))
def test_a_deleted_line_is_found(audit: Audit, place: int) -> None:
    rewrite(audit, lambda rows: rows[:place] + rows[place + 1 :])
    with pytest.raises(AuditBroken, match=r"does not follow|ends with line 5 and had 6"):
        check(audit)


@pytest.mark.parametrize("place", range(7))
def test_an_inserted_line_is_found(audit: Audit, place: int) -> None:
    rewrite(audit, lambda rows: [*rows[:place], rows[1], *rows[place:]])
    with pytest.raises(AuditBroken, match="does not follow"):
        check(audit)


@pytest.mark.parametrize("place", range(5))
def test_two_lines_in_another_order_are_found(audit: Audit, place: int) -> None:
    rewrite(audit, lambda rows: [*rows[:place], rows[place + 1], rows[place], *rows[place + 2 :]])
    with pytest.raises(AuditBroken, match="does not follow"):
        check(audit)


@pytest.mark.parametrize("kept", range(6))
def test_a_log_cut_at_its_end_is_found(audit: Audit, kept: int) -> None:
    rewrite(audit, lambda rows: rows[:kept])
    with pytest.raises(AuditBroken, match=rf"ends with line {kept} and had 6"):
        check(audit)


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_log_cut_at_its_start_is_found(audit: Audit, cut: int) -> None:
    rewrite(audit, lambda rows: rows[cut:])
    with pytest.raises(AuditBroken, match=f"line {cut + 1} does not follow line 0"):
        check(audit)


@pytest.mark.parametrize("place", range(6))
def test_lines_chained_anew_by_somebody_without_the_key_are_found(audit: Audit, place: int) -> None:
    thief = SigningKey.generate()

    def forged(rows: list[bytes]) -> list[bytes]:
        made = rows[:place]
        for raw in rows[place:]:
            one = line_format.read(raw[:-1])
            before = line_format.digest(made[-1][:-1]) if made else line_format.NOTHING_BEFORE
            facts = {**one.facts, "entries": 1}
            made.append(Line(one.number, one.at, one.event, facts, before).signed_by(thief) + b"\n")
        return made

    rewrite(audit, forged)
    with pytest.raises(AuditBroken, match="not the one that was signed"):
        check(audit)


def test_a_line_added_by_somebody_without_the_key_is_found_and_not_built_upon(audit: Audit) -> None:
    head = audit.head()
    assert head is not None
    forged = Line(head.lines + 1, NOW, "list_published", {}, head.digest).signed_by(SigningKey.generate())
    rewrite(audit, lambda rows: [*rows, forged + b"\n"])
    with pytest.raises(AuditBroken, match="added by somebody else"):
        check(audit)
    with pytest.raises(AuditBroken, match="nobody signed its last line"):
        audit.record("rolled_back")


def test_a_whole_log_exchanged_for_one_of_another_key_is_found(audit: Audit, tmp_path: Path) -> None:
    ours = audit.public_key()
    exported = audit.checkpoint()
    other = log_of(config_in(tmp_path / "other"), 9)
    shutil.rmtree(audit.folder)
    shutil.copytree(other.folder, audit.folder)
    with pytest.raises(AuditBroken, match="another key"):
        verify(audit.folder, [ours])
    # Who asks the exchanged folder for its key is told so by what was kept elsewhere.
    with pytest.raises(AuditBroken, match="another key"):
        verify(audit.folder, [other.public_key()], exported=exported)


def test_an_old_log_restored_with_its_checkpoint_is_found_by_what_was_kept_elsewhere(
    audit: Audit, tmp_path: Path
) -> None:
    shutil.copytree(audit.folder, tmp_path / "old")
    audit.record("rolled_back")
    exported, head = audit.checkpoint(), audit.head()
    assert head is not None
    shutil.rmtree(audit.folder)
    shutil.copytree(tmp_path / "old", audit.folder)
    assert check(audit).head.lines == 6
    with pytest.raises(AuditBroken, match="ends with line 6 and had 7"):
        check(audit, exported=exported)
    with pytest.raises(AuditBroken, match="ends with line 6 and had 7"):
        check(audit, heads=[head])
    # Nor can it be covered up by going on.
    audit.record("list_refused")
    audit.record("list_refused")
    for known in ({"exported": exported}, {"heads": [head]}):
        with pytest.raises(AuditBroken, match="line 7 is not the one"):
            check(audit, **known)


def test_a_log_that_grew_since_a_checkpoint_was_exported_is_whole(audit: Audit) -> None:
    exported, head = audit.checkpoint(), audit.head()
    assert head is not None
    audit.record("rolled_back")
    assert check(audit, exported=exported, heads=[head]).head.lines == 7


def test_an_older_checkpoint_put_back_alone_is_found(audit: Audit) -> None:
    older = audit.checkpoint()
    assert older is not None
    audit.record("rolled_back")
    audit.record("rolled_back")
    (audit.folder / "checkpoint").write_bytes(older)
    with pytest.raises(AuditBroken, match="not vouched for"):
        check(audit)
    with pytest.raises(AuditBroken, match="does not end where its checkpoint says"):
        audit.record("rolled_back")


def test_a_removed_checkpoint_and_a_removed_log_are_found(audit: Audit) -> None:
    (audit.folder / "checkpoint").unlink()
    with pytest.raises(AuditBroken, match="no checkpoint"):
        check(audit)
    with pytest.raises(AuditBroken, match="its checkpoint is missing"):
        audit.record("rolled_back")
    key = audit.public_key()
    shutil.rmtree(audit.folder)
    with pytest.raises(AuditBroken, match="all of it was removed"):
        verify(audit.folder, [key])


def test_a_cut_log_is_never_written_on_for_that_would_hide_it(audit: Audit) -> None:
    rewrite(audit, lambda rows: rows[:4])
    with pytest.raises(AuditBroken, match="audit restart"):
        audit.record("rolled_back")
    assert not audit.note("rolled_back")
    with pytest.raises(AuditBroken):
        check(audit)


def test_a_cut_in_the_last_line_is_no_crash(audit: Audit) -> None:
    rewrite(audit, lambda rows: [*rows[:-1], rows[-1][:-20]])
    with pytest.raises(AuditBroken, match="ends with line 5 and had 6"):
        check(audit)
    with pytest.raises(AuditBroken):
        audit.record("rolled_back")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_changed_byte_is_overlooked(audit: Audit, data: st.DataObject) -> None:
    (path,) = audit.folder.glob("*.jsonl")
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bad)
    try:
        with pytest.raises(AuditBroken):
            check(audit)
    finally:
        path.write_bytes(good)


def many_files(tmp_path: Path) -> Audit:
    audit = log_of(config_in(tmp_path), 30, max_file_bytes=1500)
    assert len(list(audit.folder.glob("*.jsonl"))) > 5
    return audit


def test_the_chain_goes_on_across_files(tmp_path: Path) -> None:
    audit = many_files(tmp_path)
    assert check(audit).head.lines == 31
    assert [one.number for one in lines(audit.folder)] == list(range(1, 32))
    assert all(path.stat().st_size <= 1500 for path in audit.folder.glob("*.jsonl"))


@pytest.mark.parametrize("place", [0, 2, -1])
def test_a_file_of_the_log_that_is_missing_is_found(tmp_path: Path, place: int) -> None:
    audit = many_files(tmp_path)
    sorted(audit.folder.glob("*.jsonl"))[place].unlink()
    with pytest.raises(AuditBroken, match=r"missing|ends with line"):
        check(audit)


def test_a_file_cut_in_the_middle_of_the_log_is_found(tmp_path: Path) -> None:
    audit = many_files(tmp_path)
    path = sorted(audit.folder.glob("*.jsonl"))[2]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AuditBroken, match="was cut"):
        check(audit)


def test_two_files_that_changed_names_are_found(tmp_path: Path) -> None:
    audit = many_files(tmp_path)
    one, two = sorted(audit.folder.glob("*.jsonl"))[2:4]
    swap = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(swap)
    with pytest.raises(AuditBroken, match="does not follow"):
        check(audit)


def test_a_line_that_would_write_to_a_terminal_is_not_read(audit: Audit) -> None:
    def dressed(rows: list[bytes]) -> list[bytes]:
        fields = json.loads(rows[2])
        fields["facts"]["list"] = "\x1b[2Jnational"
        return [
            *rows[:2],
            json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n",
            *rows[3:],
        ]

    rewrite(audit, dressed)
    with pytest.raises(AuditBroken, match="no line of an audit log"):
        list(lines(audit.folder))


@given(st.binary(max_size=400))
def test_any_other_bytes_are_no_line(raw: bytes) -> None:
    with pytest.raises(AuditBroken):
        line_format.read(raw)


def test_a_copied_log_is_verified_on_another_machine(audit: Audit, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in [*audit.folder.glob("*.jsonl"), audit.folder / "checkpoint"]:
        shutil.copy(path, copy)
    assert verify(copy, [audit.public_key()]).head == audit.head()
    with pytest.raises(AuditBroken):
        verify(copy, [audit.public_key()], heads=[Head(6, "f" * 64)])
