"""`quarantine`, `audit` and `keys` as people use them: what is printed, refused and recorded."""

import contextlib
import json
import logging
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest
from quarantine_wards import PLANTED, report

from cop_filter import config as configuration
from cop_filter.audit import Audit
from cop_filter.cli import command
from cop_filter.cli.exits import Exit
from cop_filter.push import wake
from cop_filter.quarantine import Quarantine
from cop_filter.signing import SigningKey
from cop_filter.store import Store

CONFIG = """
state_dir = "state"
[operator]
name = "Example Net"
responsible_officer = "Child safety officer"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
[[lists]]
id = "national"
source = "file:national.txt"
format = "plain"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
approvers = ["ann {ann}", "ben {ben}"]
approvals = 2
[rights]
reveal = ["eve {eve}"]
"""
HOSTILE = b"planted.example\n\x1b[2Jwiped.example\n\xffbytes\n"
Run = Callable[..., tuple[Exit, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COP_FILTER_CONFIG", str(tmp_path / "cop-filter.toml"))
    root = logging.getLogger()

    def run_words(*words: str | Path) -> tuple[Exit, str, str]:
        handlers, level = root.handlers[:], root.level
        root.handlers[:] = []
        try:
            code = command.run([str(word) for word in words])
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        out, err = capsys.readouterr()
        return code, out, err

    return run_words


@pytest.fixture
def site(tmp_path: Path, run: Run) -> Path:
    """An operator's machine: keys of three people, a configuration, and a state folder."""
    public = {}
    for name in ("ann", "ben", "eve"):
        code, out, _ = run("keys", "new", tmp_path / f"{name}.pem")
        assert code == Exit.OK
        public[name] = out.strip()
    (tmp_path / "cop-filter.toml").write_text(CONFIG.format(**public))
    Store(tmp_path / "state").prepare()
    return tmp_path


def keep(site: Path, raw: bytes = PLANTED, digest: str = "0a" * 32) -> str:
    config = configuration.load(site / "cop-filter.toml")
    quarantine = Quarantine(Store(config.state_dir), config)
    return quarantine.keep(config.lists[0], report(), digest, {"": raw}, version=7)


def test_a_key_is_made_for_its_owner_alone_and_never_over_another(tmp_path: Path, run: Run) -> None:
    code, out, _ = run("keys", "new", tmp_path / "ann.pem")
    assert (code, out) == (Exit.OK, f"{SigningKey.load(tmp_path / 'ann.pem').public}\n")
    assert (tmp_path / "ann.pem").stat().st_mode & 0o777 == 0o600
    code, _, err = run("keys", "new", tmp_path / "ann.pem")
    assert code == Exit.REFUSED
    assert "File exists" in err


def test_denmark_2012_two_people_release_what_the_guards_refused(site: Path, run: Run) -> None:
    assert run("quarantine", "list")[:2] == (Exit.OK, "nothing is quarantined\n")
    item = keep(site)
    code, out, _ = run("quarantine", "list")
    assert code == Exit.OK
    head, row = out.splitlines()
    assert head.split()[:3] == ["ID", "LIST", "STATE"]
    assert row.split()[:3] == [item, "national", "waiting"]
    assert "0 of 2" in row
    assert row.endswith("growth")

    code, out, _ = run("quarantine", "show", item)
    assert code == Exit.OK
    assert "entries   8000 (in force: 100); 8000 come, 0 go\n" in out
    assert "kinds     8000 domain\nclasses   8000 registered domain\napproved  0 of 2\n" in out
    assert "refused by\n  growth: grew from 100 to 8000 entries\n" in out
    assert "planted" not in out

    code, out, _ = run("quarantine", "approve", item, "--key", site / "ann.pem")
    assert (code, out.split(";")[0]) == (Exit.OK, "approved: 1 of 2: ann")
    code, out, _ = run("quarantine", "approve", item, "--key", site / "ann.pem")
    assert (code, out.split(";")[0]) == (Exit.OK, "approved: 1 of 2: ann")
    assert wake.asked(site / "state") == set()
    code, out, _ = run("quarantine", "approve", item, "--key", site / "ben.pem")
    assert (code, out.split(";")[0]) == (Exit.OK, "released: 2 of 2: ann, ben")
    assert "else run `cop-filter sync national`" in out
    assert wake.asked(site / "state") == {"national"}

    code, out, _ = run("audit", "show", "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [(one["event"], one["facts"].get("by")) for one in told] == [
        ("audit_started", None),
        ("list_quarantined", None),
        ("quarantine_approved", "ann"),
        ("quarantine_approved", "ann"),
        ("quarantine_approved", "ben"),
        ("quarantine_released", None),
    ]
    assert run("audit", "verify")[0] == Exit.OK


def test_json_tells_the_same(site: Path, run: Run) -> None:
    item = keep(site)
    run("quarantine", "approve", item, "--key", site / "ann.pem")
    (listed,) = json.loads(run("quarantine", "list", "--json")[1])
    shown = json.loads(run("quarantine", "show", item, "--json")[1])
    assert listed == shown
    assert (shown["id"], shown["list"], shown["state"], shown["version"]) == (item, "national", "waiting", 7)
    assert (shown["approved_by"], shown["approvals_needed"]) == (["ann"], 2)
    assert shown["report"]["findings"] == [{"guard": "growth", "reason": "grew from 100 to 8000 entries"}]


def test_a_stranger_and_who_shows_no_key_approve_nothing(site: Path, run: Run) -> None:
    item = keep(site)
    for words in (("--key", site / "eve.pem"), ()):
        code, out, err = run("quarantine", "approve", item, *words)
        assert (code, out) == (Exit.REFUSED, "")
        assert "may approve versions of list national" in err
    assert json.loads(run("quarantine", "show", item, "--json")[1])["approved_by"] == []


def test_a_rejected_version_is_gone_and_its_report_stays(site: Path, run: Run) -> None:
    item = keep(site)
    assert run("quarantine", "reject", item, "--key", site / "ben.pem")[0] == Exit.OK
    code, out, _ = run("quarantine", "show", item)
    assert code == Exit.OK
    assert f"{item}: list national, rejected\n" in out
    assert " by ben\n" in out
    assert not (site / "state" / "quarantine" / item / "body").exists()
    code, _, err = run("quarantine", "approve", item, "--key", site / "ann.pem")
    assert code == Exit.REFUSED
    assert "rejected by ben" in err


def test_entries_are_printed_for_who_has_the_right_and_without_commands_to_the_terminal(
    site: Path, run: Run
) -> None:
    item = keep(site, HOSTILE)
    code, out, err = run("quarantine", "show", item, "--reveal", "--key", site / "ann.pem")
    assert (code, out) == (Exit.REFUSED, "")
    assert "rights.reveal" in err
    code, out, err = run("quarantine", "show", item, "--reveal", "--key", site / "eve.pem")
    assert (code, err) == (Exit.OK, "")
    assert out == "planted.example\n\\x1b[2Jwiped.example\n\\xffbytes\n\n"
    told = run("audit", "show")[1].splitlines()
    assert told[-1].endswith(f"  entries_revealed by=eve digest={'0a' * 32} item={item} list=national")


def test_without_an_audit_log_nothing_is_revealed_or_approved(site: Path, run: Run) -> None:
    item = keep(site, HOSTILE)
    (site / "state" / "audit" / "checkpoint").unlink()
    for words in (
        ("show", item, "--reveal", "--key", site / "eve.pem"),
        ("approve", item, "--key", site / "ann.pem"),
        ("reject", item),
    ):
        code, out, err = run("quarantine", *words)
        assert (code, out) == (Exit.REFUSED, "")
        assert "audit log was changed" in err
        assert "planted" not in err


def test_no_command_that_shows_prints_an_entry(site: Path, run: Run) -> None:
    item = keep(site, HOSTILE)
    for words in (
        ("quarantine", "list"),
        ("quarantine", "list", "--json"),
        ("quarantine", "show", item),
        ("quarantine", "show", item, "--json"),
        ("quarantine", "approve", item, "--key", site / "ann.pem"),
        ("audit", "show"),
        ("quarantine", "reject", item),
    ):
        _, out, err = run(*words)
        assert "planted" not in out + err
        assert "wiped" not in out + err


@pytest.mark.parametrize("words", [("--reveal", "--json"), ("--key", "somebody.pem"), ("--unknown",)])
def test_options_that_make_no_sense_together_are_refused(
    site: Path, run: Run, words: tuple[str, ...]
) -> None:
    assert run("quarantine", "show", keep(site), *words)[0] == Exit.USAGE


def test_an_unknown_id_is_refused(site: Path, run: Run) -> None:
    for verb in ("show", "approve", "reject"):
        code, _, err = run("quarantine", verb, "20270115-00000000")
        assert code == Exit.REFUSED
        assert "quarantine list" in err


# ---------------------------------------------------------------- signed on another machine


def carry(run: Run, elsewhere: Path, item: str, name: str, *how: str) -> Path:
    """A statement from the node to somebody's machine, which has a key and nothing else, and back."""
    code, written, err = run("quarantine", "statement", item, "--as", name, *how)
    assert (code, err) == (Exit.OK, "")
    statement = elsewhere / f"{name}.statement"
    statement.write_text(written)
    code, written, _ = run(
        "--config",
        elsewhere / "none.toml",
        "quarantine",
        "sign",
        statement,
        "--key",
        elsewhere / f"{name}.pem",
    )
    assert code == Exit.OK
    signed = elsewhere / f"{name}.signed"
    signed.write_text(written)
    return signed


@pytest.fixture
def elsewhere(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The people's own machines: their keys have left the site."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("ann", "ben", "eve"):
        (site / f"{name}.pem").rename(folder / f"{name}.pem")
    return folder


def test_two_people_release_a_version_and_no_key_comes_near(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    signed = {name: carry(run, elsewhere, item, name) for name in ("ann", "ben")}
    code, out, _ = run("quarantine", "approve", item, "--signed", signed["ann"])
    assert (code, out.split(";")[0]) == (Exit.OK, "approved: 1 of 2: ann")
    code, out, _ = run("quarantine", "approve", item, "--signed", signed["ben"])
    assert (code, out.split(";")[0]) == (Exit.OK, "released: 2 of 2: ann, ben")
    assert wake.asked(site / "state") == {"national"}
    assert not list(site.rglob("ann.*")) + list(site.rglob("ben.*"))


def test_who_signs_is_shown_first_what_that_is(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    for how, does in (((), "approves"), (("--reject",), "rejects")):
        statement = elsewhere / "statement"
        statement.write_text(run("quarantine", "statement", item, "--as", "ann", *how)[1])
        code, out, err = run("quarantine", "sign", statement, "--key", elsewhere / "ann.pem")
        assert code == Exit.OK
        lines = err.splitlines()
        assert lines[0] == f"ann {does} {item}: list national"
        assert lines[1].startswith("written   20")
        assert lines[2:] == [
            f"digest    {'0a' * 32}",
            "entries   8000 (in force: 100); 8000 come, 0 go",
            "kinds     8000 domain",
            "classes   8000 registered domain",
            "refused by",
            "  growth: grew from 100 to 8000 entries",
        ]
        assert json.loads(out)["signed"] == json.loads(statement.read_text())["signed"]
        assert "planted" not in out + err


def test_rejected_from_another_machine(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    signed = carry(run, elsewhere, item, "ben", "--reject")
    code, out, err = run("quarantine", "approve", item, "--signed", signed)
    assert (code, out) == (Exit.REFUSED, "")
    assert "signed to reject a version, and not to approve it" in err
    assert run("quarantine", "reject", item, "--signed", signed)[0] == Exit.OK
    assert " by ben\n" in run("quarantine", "show", item)[1]


def test_a_signed_approval_rejects_nothing(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    code, _, err = run("quarantine", "reject", item, "--signed", carry(run, elsewhere, item, "ann"))
    assert code == Exit.REFUSED
    assert "signed to approve a version, and not to reject it" in err
    assert json.loads(run("quarantine", "show", item, "--json")[1])["state"] == "waiting"


def test_entries_are_shown_to_who_signed_elsewhere(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    signed = carry(run, elsewhere, item, "eve", "--reveal")
    code, out, _ = run("quarantine", "show", item, "--reveal", "--signed", signed)
    assert (code, "planted.example" in out) == (Exit.OK, True)
    assert " entries_revealed by=eve " in run("audit", "show")[1].splitlines()[-1]


def test_a_statement_in_the_name_of_nobody_is_not_written_and_the_choices_are_told(
    site: Path, run: Run
) -> None:
    item = keep(site)
    for how, choices in (((), "ann, ben"), (("--reject",), "ann, ben"), (("--reveal",), "eve")):
        code, out, err = run("quarantine", "statement", item, "--as", "mallory", *how)
        assert (code, out) == (Exit.REFUSED, "")
        assert err.endswith(f": {choices}\n")
    assert run("quarantine", "statement", item)[0] == Exit.USAGE


def test_with_somebody_elses_key_a_statement_is_signed_in_vain(site: Path, elsewhere: Path, run: Run) -> None:
    item = keep(site)
    (elsewhere / "eve.pem").replace(elsewhere / "ann.pem")
    code, _, err = run("quarantine", "approve", item, "--signed", carry(run, elsewhere, item, "ann"))
    assert code == Exit.REFUSED
    assert "the key that the configuration has for ann" in err
    assert "quarantine_approved" not in run("audit", "show")[1]


@pytest.mark.parametrize(
    "said", ["", "garbage", '{"signed": {"type": "list", "list": "national"}, "signatures": []}']
)
def test_what_is_no_statement_is_neither_signed_nor_believed(
    site: Path, elsewhere: Path, run: Run, said: str
) -> None:
    item = keep(site)
    document = elsewhere / "document"
    document.write_text(said)
    for words in (
        ("sign", document, "--key", elsewhere / "ann.pem"),
        ("approve", item, "--signed", document),
        ("reject", item, "--signed", document),
        ("show", item, "--reveal", "--signed", document),
    ):
        code, out, err = run("quarantine", *words)
        assert (code, out) == (Exit.REFUSED, "")
        assert "no statement about a quarantined version; the node writes one" in err


def test_the_audit_logs_own_checkpoint_is_not_signed(site: Path, elsewhere: Path, run: Run) -> None:
    keep(site)
    checkpoint = elsewhere / "checkpoint"
    checkpoint.write_text(run("audit", "checkpoint")[1])
    code, out, _ = run("quarantine", "sign", checkpoint, "--key", elsewhere / "ann.pem")
    assert (code, out) == (Exit.REFUSED, "")


def test_a_key_and_a_statement_together_or_a_file_that_is_not_there_are_refused(
    site: Path, elsewhere: Path, run: Run
) -> None:
    item = keep(site)
    signed = carry(run, elsewhere, item, "ann")
    both = ("--signed", signed, "--key", elsewhere / "ann.pem")
    for words in (
        ("approve", item, *both),
        ("reject", item, *both),
        ("show", item, "--signed", signed),
        ("approve", item, "--signed", elsewhere / "none"),
        ("sign", elsewhere / "none", "--key", elsewhere / "ann.pem"),
    ):
        assert run("quarantine", *words)[0] == Exit.USAGE
    assert json.loads(run("quarantine", "show", item, "--json")[1])["approved_by"] == []


# ---------------------------------------------------------------- audit


def test_a_log_is_verified_against_what_was_kept_elsewhere(site: Path, run: Run) -> None:
    keep(site)
    log = next((site / "state" / "audit").glob("*.jsonl"))
    checkpoint_then, log_then = (site / "state" / "audit" / "checkpoint").read_bytes(), log.read_bytes()
    keep(site, digest="0b" * 32)
    exported = site / "exported"
    exported.write_text(run("audit", "checkpoint")[1])
    ours = run("audit", "key")[1].strip()
    code, out, _ = run("audit", "verify", "--checkpoint", exported, "--key", ours)
    assert code == Exit.OK
    assert out.startswith("good: 3 lines, checkpoint of ")
    assert json.loads(run("audit", "verify", "--json")[1])["lines"] == 3
    log.write_bytes(log_then)
    (site / "state" / "audit" / "checkpoint").write_bytes(checkpoint_then)
    assert run("audit", "verify")[0] == Exit.OK
    code, _, err = run("audit", "verify", "--checkpoint", exported)
    assert code == Exit.REFUSED
    assert "ends with line 2 and had 3" in err
    other = run("keys", "new", site / "other.pem")[1].strip()
    code, _, err = run("audit", "verify", "--key", other)
    assert code == Exit.REFUSED
    assert "another key" in err
    assert run("audit", "verify", "--key", "ed25519:none")[0] == Exit.USAGE


def test_a_broken_log_is_put_aside_on_command(site: Path, run: Run) -> None:
    item = keep(site)
    log = next((site / "state" / "audit").glob("*.jsonl"))
    log.write_bytes(log.read_bytes().replace(b"list_quarantined", b"list_published"))
    assert run("audit", "verify")[0] == Exit.REFUSED
    assert run("quarantine", "reject", item)[0] == Exit.REFUSED
    assert run("audit", "restart")[0] == Exit.OK
    assert run("audit", "verify")[0] == Exit.OK
    assert run("quarantine", "reject", item)[0] == Exit.OK


def test_before_anything_was_recorded_there_is_no_log_to_believe(site: Path, run: Run) -> None:
    for words in (("verify",), ("key",), ("checkpoint",)):
        code, out, err = run("audit", *words)
        assert code in (Exit.REFUSED, Exit.STATE)
        assert out == ""
        assert "no audit log" in err
    assert run("audit", "show")[:2] == (Exit.OK, "")
    assert not (site / "state" / "audit").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as somebody else")
def test_root_leaves_files_that_the_account_can_use(site: Path, run: Run) -> None:
    text = (site / "cop-filter.toml").read_text()
    (site / "cop-filter.toml").write_text('user = "nobody"\n' + text)
    # The account may pass through the folders above, as in /var/lib.
    for folder in (site, *site.parents):
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o011)
    item = keep(site)
    nobody = pwd.getpwnam("nobody")
    for path in (site / "state", *(site / "state").rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    assert run("quarantine", "approve", item, "--key", site / "ann.pem")[0] == Exit.OK
    assert {path.stat().st_uid for path in (site / "state").rglob("*")} == {nobody.pw_uid}
    assert Audit(configuration.load(site / "cop-filter.toml")).note("rolled_back")
